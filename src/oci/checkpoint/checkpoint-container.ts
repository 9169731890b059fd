/** `checkpoint`: a container's processes and all that is in them become files, by criu(8). */
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { VlabError } from '../../base/errors.js';
import { pause, resume } from '../../container/cgroup/freezer.js';
import { capabilityMask } from '../../container/config/capabilities.js';
import { hostAbilities } from '../../container/host-abilities.js';
import { hostArch } from '../../sys/abi.js';
import { hasEnded, type Process } from '../../sys/owners.js';
import { untilEnded } from '../../sys/until-ended.js';
import type { Outcome } from '../caller.js';
import type { Invocation } from '../invocation.js';
import type { Found } from '../locked-container.js';
import { removeContainer } from '../remove-container.js';
import { lookAtContainer } from './container-look.js';
import { type CriuFlags, criuFlags } from './criu-flags.js';
import { criuFailure } from './criu-log.js';
import { dumpPlan } from './dump-plan.js';
import { DUMP_LOG, dumpRequest, leavesNetwork, lost } from './dump-request.js';
import { type Criu, findCriu, hasFeature, mustBeRoot } from './find-criu.js';
import { writeNotes } from './image-notes.js';
import { talkWithCriu } from './talk.js';

/** Errors: `host` for what this kernel or its criu lacks; `operation` when criu fails: the container runs on then. */
export async function checkpointContainer(
  { caller, globals, flags: given }: Invocation,
  { container, record, status }: Found,
): Promise<Outcome> {
  if ((status !== 'running' && status !== 'paused') || !record.init) {
    throw new VlabError('operation', `cannot checkpoint container ${container.id}: it is ${status}`);
  }
  const flags = criuFlags(given, caller.cwd);
  const config = container.config();
  mustBeRoot();
  const criu = await findCriu(globals.criu, caller.env);
  await mustBeAble(criu, flags);
  makeDirectories(flags);
  const { descriptors, ...seen } = look(container.id, record.init, (pid) =>
    lookAtContainer(config, record, pid, caller.env),
  );
  const request = dumpRequest(config, record, { ...seen, criuVersion: criu.version.number }, flags);
  if (!flags.preDump)
    writeNotes(flags.imagePath, { external: [...seen.external], stdio: [...seen.stdio] }, descriptors);
  const listener = flags.statusFd === undefined ? undefined : caller.give(flags.statusFd);
  const plan = dumpPlan(hostArch(), {
    criu,
    request,
    imagesDir: flags.imagePath,
    ...(flags.workPath === undefined ? {} : { workDir: flags.workPath }),
    ...(listener ? { statusFd: listener.at } : {}),
  });
  const freezes = status === 'running' && request.opts?.freeze_cgroup !== undefined;
  const staysRunning = flags.leaveRunning || flags.preDump;
  let done = false;
  try {
    const { response, trouble, failure } = await talkWithCriu(caller, plan, {
      async reached(stage) {
        // criu, which does it next, would look again only after a tenth of a second.
        if (stage === 'pre-dump' && freezes) await pause(record.cgroup);
        if (stage !== 'status-ready' || !listener) return [];
        listener.letGo();
        return ['ready'];
      },
    });
    if (trouble !== undefined) throw trouble;
    if (!response?.success) {
      if (failure) throw failure;
      throw criuFailure('checkpoint', `container ${container.id}`, readLog(flags, DUMP_LOG), response?.cr_errmsg);
    }
    done = true;
  } finally {
    if (freezes && (staysRunning || !done)) await resume(record.cgroup);
  }
  const network = leavesNetwork(config, seen, flags) ? lost(seen.netDevices) : [];
  const warnings =
    network.length > 0 && !flags.emptyNetwork && !flags.preDump && !seen.joined.network
      ? [`the checkpoint is without the network devices ${network.join(', ')}: hooks or the engine must make new ones`]
      : [];
  if (staysRunning) return { exitCode: 0, warnings };
  await untilEnded(record.init);
  return {
    exitCode: 0,
    warnings: [...warnings, ...(await removeContainer(container, record, { config, force: true, until: caller.gone }))],
  };
}

/** Error (`operation`): it has ended at this moment. */
function look<T>(id: string, init: Process, at: (pid: number) => T): T {
  try {
    return at(init.pid);
  } catch (error) {
    if (!hasEnded(init)) throw error;
    throw new VlabError('operation', `cannot checkpoint container ${id}: it has just ended`);
  }
}

/** What would otherwise fail in the middle, or not at all and be useless. Asked only for what needs it. */
async function mustBeAble(criu: Criu, flags: CriuFlags): Promise<void> {
  if ((flags.preDump || flags.parentPath !== undefined) && !(await hasFeature(criu, 'mem_dirty_track'))) {
    const flag = flags.preDump ? '--pre-dump' : '--parent-path';
    throw new VlabError(
      'host',
      `${flag} needs a kernel that tracks changed memory (CONFIG_MEM_SOFT_DIRTY); this one does not`,
      {
        hint: 'make one whole checkpoint instead',
      },
    );
  }
  if (!flags.lazyPages) return;
  if ((hostAbilities.capabilities() & capabilityMask(['CAP_SYS_RESOURCE'])) === 0n) {
    throw new VlabError(
      'host',
      '--lazy-pages needs CAP_SYS_RESOURCE, for pipes that hold all memory, which is not here',
      {
        hint: 'make one whole checkpoint instead',
      },
    );
  }
  if (!(await hasFeature(criu, 'uffd-noncoop'))) {
    throw new VlabError('host', '--lazy-pages needs userfaultfd(2) with its events, which this kernel refuses', {
      hint: 'see CONFIG_USERFAULTFD, and vm.unprivileged_userfaultfd',
    });
  }
}

export function makeDirectories({ imagePath, workPath, parentPath }: CriuFlags): void {
  for (const path of [imagePath, workPath]) if (path !== undefined) mkdirSync(path, { recursive: true, mode: 0o700 });
  if (parentPath === undefined) return;
  const parent = resolve(imagePath, parentPath);
  if (statSync(parent, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new VlabError('input', `--parent-path ${parentPath}: ${parent} is no directory`, {
    hint: 'it is relative to --image-path: ../previous',
  });
}

export function readLog({ imagePath, workPath }: CriuFlags, name: string): { text: string | undefined; path: string } {
  const path = join(workPath ?? imagePath, name);
  try {
    return { path, text: readFileSync(path, 'utf8') };
  } catch {
    return { path, text: undefined }; // criu did not get so far
  }
}
