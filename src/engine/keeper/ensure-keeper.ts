/** Sees to it that a keeper runs: whoever starts a container that needs one calls it after the container's state says so. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VlabError } from '../../base/errors.js';
import { usualPlaces } from '../../container/cgroup/places.js';
import { readSituation } from '../../container/situation.js';
import { signalIfThere } from '../../sys/signal.js';
import { untilEnded } from '../../sys/until-ended.js';
import { ownCommand, ownEnvironment } from '../life/finish-words.js';
import { type KeeperRecord, keeperDir, ownVersion, runningKeeper, withKeeper, writeKeeper } from './keeper-place.js';

/** One that is of another vlab is replaced, unless a service manager would start it again. */
export async function ensureKeeper(): Promise<void> {
  if (fits(runningKeeper())) return;
  await withKeeper(async () => {
    const running = runningKeeper();
    if (fits(running)) return;
    if (running) await endKeeper(running);
    await startKeeper();
  });
}

const fits = (keeper: KeeperRecord | undefined) =>
  keeper !== undefined && (keeper.service || keeper.version === ownVersion());

/** What it leaves undone the next one does. Within withKeeper. */
export async function endKeeper({ process: keeper }: KeeperRecord): Promise<void> {
  signalIfThere(keeper.pid, 'SIGTERM');
  await untilEnded(keeper);
}

/** Within withKeeper, where none runs: in a session and a cgroup of its own, with nothing of its starter but where things are. */
async function startKeeper(): Promise<void> {
  const [node = process.execPath, ...words] = ownCommand('keeper', 'run');
  const log = openSync(join(keeperDir(), 'log'), 'w', 0o600);
  const child = spawn(node, words, {
    cwd: '/',
    env: ownEnvironment(),
    detached: true,
    stdio: ['ignore', log, log],
  });
  if (child.pid === undefined) {
    const [cause] = await once(child, 'error');
    throw new VlabError('operation', 'the keeper could not be started', { cause });
  }
  leaveCgroups(child.pid);
  writeKeeper(child.pid, false);
  child.unref();
}

/** It does not end with what its starter is part of. Where no cgroup can be made it stays where it is. */
function leaveCgroups(pid: number): void {
  for (const { parent } of usualPlaces(readSituation([]).cgroups)) {
    const directory = join(parent, 'keeper');
    try {
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, 'cgroup.procs'), String(pid));
    } catch {
      // its limits are then those of who started it
    }
  }
}
