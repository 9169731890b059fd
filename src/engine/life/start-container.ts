/** A container that is there is started: its configuration is made for this moment, and its networks are connected at its birth. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, VlabError } from '../../base/errors.js';
import type { OciConfig } from '../../container/config/schema.js';
import { hostFiles } from '../../container/host-files.js';
import { rootMountOf } from '../../storage/container-layer.js';
import type { RootMount } from '../../storage/root-mount.js';
import { type ContainerDefinition, joinedContainer } from '../define/definition.js';
import { emitContainer } from '../events/container-event.js';
import { ensureKeeper } from '../keeper/ensure-keeper.js';
import { CONTAINER_FILES, containerDir, containerRunDir } from '../record/container-files.js';
import type { ContainerState } from '../record/container-state.js';
import { isRunning, statusOf } from '../record/container-status.js';
import { type ContainerRecord, withContainer, writeState } from '../record/records.js';
import { settleLocked, undoStart } from '../record/settle.js';
import { startContainer as startRun } from '../run/start-container.js';
import type { AttachStreams, Started, StartRequest } from '../run/start-request.js';
import { ociConfigOf } from '../spec/oci-config.js';
import { connectContainer } from './connect-container.js';
import { finishWords } from './finish-words.js';
import { makeVolumes } from './make-volumes.js';
import { NO_ADDRESSES, writeNameFiles } from './name-files.js';
import { startFacts } from './start-facts.js';

export interface StartOptions {
  /** A client that is there before the first byte. */
  attach?: AttachStreams;
  /** The caller stays until the end, and does then what `vlab finish` would: finish it by `settle`. */
  waits?: boolean;
  /** By its policy; otherwise somebody has asked for it. */
  byPolicy?: boolean;
}

/** Undefined: it runs already. Errors: `input` when there is none, what cannot be started with docker's exit codes 125 to 127. */
export async function startContainer(id: string, options: StartOptions = {}): Promise<Started | undefined> {
  const started = await withContainer(id, async (found) => {
    const { state } = await settleLocked(found);
    const record = { ...found, state };
    if (isRunning(state)) {
      if (statusOf(state) === 'paused') throw isPausedError(record);
      return undefined;
    }
    if (options.byPolicy && state.restartAt === undefined) return undefined; // somebody has stopped it meanwhile
    return startLocked(record, options);
  });
  if (started?.needsKeeper) await ensureKeeper();
  return started?.run;
}

function isPausedError({ state }: ContainerRecord): VlabError {
  return new VlabError('operation', 'cannot start a paused container, try unpause instead', {
    hint: `vlab unpause ${state.name}`,
  });
}

async function startLocked(record: ContainerRecord, options: StartOptions) {
  const { id, definition } = record;
  const directory = containerDir(id);
  let state = begun(record.state, options);
  const write = (next: ContainerState) => {
    state = next;
    writeState(id, next);
  };
  write(state);
  try {
    const root: RootMount =
      definition.root.kind === 'image' ? rootMountOf(directory) : { kind: 'directory', path: definition.root.path };
    await makeVolumes({ ...record, state }); // who made the container was killed before, or somebody has removed one
    const facts = await startFacts({ ...record, state }, root);
    const config = asItIs(definition, ociConfigOf(definition, facts));
    writeFileSync(join(directory, CONTAINER_FILES.config), JSON.stringify(config), { mode: 0o600 });
    const ownNetwork = joinedContainer(definition.network.mode) === undefined;
    // The plan looks now at what will be mounted; at its birth the files get what is known then.
    if (ownNetwork) writeNameFiles(directory, definition, NO_ADDRESSES);
    const run = await startRun({
      ...{ id, dir: directory, runDir: containerRunDir(id), config, rootMount: root },
      stdin: definition.openStdin ? (definition.stdinOnce ? 'once' : 'open') : 'closed',
      log: logOptions(definition),
      system: definition.system,
      ...finishWords(id),
      ...(options.waits ? { waits: true } : {}),
      ...(options.attach ? { attach: options.attach } : {}),
      async onBorn(init, monitor, cgroup) {
        // Before anything of it is made, so that whoever comes after a crash can undo it.
        write({ ...state, process: init, monitor, cgroup });
        const { attachments, ports, addresses } = await connectContainer({ ...record, state }, init);
        write({ ...state, attachments, ports });
        if (ownNetwork) writeNameFiles(directory, definition, addresses);
        // From the answer on it may outlive this process.
        write({ ...state, phase: 'running', startedAt: new Date().toISOString(), ...startingHealth(definition) });
      },
    });
    emitContainer({ ...record, state }, 'start');
    return { run, needsKeeper: needsKeeper(definition, state) };
  } catch (error) {
    await failed({ ...record, state }, record.state, error);
    throw error;
  }
}

const NAME_FILES = ['/etc/hosts', '/etc/resolv.conf', '/etc/hostname'];

/** No mount point is made in a directory of the host: name files are mounted where it has them. */
function asItIs({ root }: ContainerDefinition, config: OciConfig): OciConfig {
  if (root.kind === 'image') return config;
  const isThere = (path: string) => hostFiles.inImage(root.path, path)?.kind !== undefined;
  const mounts = config.mounts.filter(({ destination }) => !NAME_FILES.includes(destination) || isThere(destination));
  return { ...config, mounts };
}

function begun(before: ContainerState, { byPolicy }: StartOptions): ContainerState {
  const { error: _, restartAt: __, health: ___, restartDelayMs, process: ____, monitor: _____, ...rest } = before;
  return {
    ...rest,
    phase: 'starting',
    oomKilled: false,
    stopAsked: false,
    restartCount: byPolicy ? before.restartCount + 1 : 0,
    ...(byPolicy && restartDelayMs !== undefined ? { restartDelayMs } : {}),
  };
}

/** What was made for it goes; why it could not be started stays, for `inspect`. */
async function failed(record: ContainerRecord, before: ContainerState, error: unknown): Promise<void> {
  const { startedAt: _, health: __, ...undone } = await undoStart(record);
  const exitCode = error instanceof VlabError && error.exitCode >= 125 ? error.exitCode : 128;
  const { startedAt } = before;
  writeState(record.id, { ...undone, ...(startedAt ? { startedAt } : {}), exitCode, error: messageOf(error) });
}

function logOptions({ log }: ContainerDefinition): StartRequest['log'] {
  return {
    driver: log.driver === 'none' ? 'none' : 'file',
    maxFiles: log.maxFiles,
    ...(log.maxSizeBytes === undefined ? {} : { maxBytes: log.maxSizeBytes }),
  };
}

function startingHealth({ healthCheck }: ContainerDefinition): Pick<ContainerState, 'health'> {
  return healthCheck ? { health: { status: 'starting', failingStreak: 0, log: [] } } : {};
}

/** Somebody must look after it while it runs. */
export function needsKeeper({ healthCheck, restart }: ContainerDefinition, state: ContainerState): boolean {
  return healthCheck !== undefined || (state.updated.restart ?? restart).name !== 'no';
}
