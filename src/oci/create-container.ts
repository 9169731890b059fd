/** What `create` and `run` have in common: a bundle becomes a container (runtime.md, "Create"). */
import { resolve } from 'node:path';
import { messageOf, VlabError, withCleanUp } from '../base/errors.js';
import { cgroupOf } from '../container/cgroup/planned-cgroup.js';
import { type StartedScope, startScope } from '../container/cgroup/systemd.js';
import { parseConfig } from '../container/config/parse-config.js';
import type { OciConfig } from '../container/config/schema.js';
import { type Moment, momentsOf, readPid } from '../container/conversation.js';
import { type CreateOptions, createPlan } from '../container/create-plan.js';
import { exitCodeOf } from '../container/foreground-steps.js';
import { situationFor } from '../container/situation-for.js';
import { writeIdMaps } from '../container/write-id-maps.js';
import { AGREED, REFUSED } from '../sys/agreement.js';
import { nativeBinary } from '../sys/native.js';
import { hasEnded, pidWithin, processOf } from '../sys/owners.js';
import type { Plan } from '../sys/plan.js';
import { readBundle, rootfsOf } from './bundle.js';
import { limitedBy, placesFor } from './cgroup-manager.js';
import { checkTerminal, ownedStdio, passedDescriptors } from './descriptors.js';
import { asStartFailure } from './failure.js';
import { foregroundEnd } from './foreground-end.js';
import { runHooks } from './hooks.js';
import { type Invocation, namedContainer } from './invocation.js';
import { removePidFile, writePidFile } from './pid-file.js';
import { runPoststart } from './poststart.js';
import { processState, processStateBytes } from './process-state.js';
import { removeContainer } from './remove-container.js';
import { type Container, type ContainerRecord, newRecord, type OciState, ociState, type Status } from './state.js';

export interface Created {
  /** With `foreground`: the code that its program ended with; the container is gone. */
  exitCode?: number;
  /** What went wrong without being a failure. */
  warnings: readonly string[];
}

export type Way = 'create' | 'detached' | 'foreground';

/** Errors: `input` for the bundle or the flags; `host` for what this kernel lacks; `operation` for the rest. Nothing is left then. */
export async function createContainer(invocation: Invocation, way: Way): Promise<Created> {
  const { caller, flags } = invocation;
  const container = namedContainer(invocation);
  const bundle = resolve(caller.cwd, flags.string('bundle') ?? '.');
  const text = readBundle(bundle, flags.string('config'));
  container.mustBeNew();
  const { cgroupManager } = invocation.globals;
  const config = limitedBy(cgroupManager, parseConfig(text));
  const situation = placesFor(cgroupManager, {
    ...(await situationFor(config)),
    id: container.id,
    bundle,
    noPivot: flags.has('no-pivot'),
    noNewKeyring: flags.has('no-new-keyring'),
  });
  using scope = cgroupManager === 'systemd' ? await startScope(config, container.id, situation, caller.env) : undefined;
  const cgroup = scope?.planned ?? whileNew(container, () => cgroupOf(config, container.id, situation));
  const rootfs = rootfsOf(bundle, config);
  const known = {
    id: container.id,
    ociVersion: config.ociVersion,
    bundle,
    rootfs,
    ...(config.annotations ? { annotations: config.annotations } : {}),
    cgroup: cgroup.cgroup,
  };
  const { options, hooksInside } = await createOptions(invocation, config, container, way);
  if (hooksInside) options.stateBytes = stateBytes(newRecord({ ...known, performer: NOBODY }));
  const listenerBytes = processStateBytes(config, ociState(newRecord({ ...known, performer: NOBODY }), 'creating'));
  if (listenerBytes !== undefined) options.listenerBytes = listenerBytes;
  const made = createPlan({ ...config, root: { ...config.root, path: rootfs } }, situation, cgroup, options);
  const performer = await caller.performer({ foreground: way === 'foreground' });
  // Node may still be starting when the command is killed that it decides for: nothing is begun then, only to be undone.
  if (hasEnded(performer))
    throw new VlabError('operation', `the command that was to make container ${container.id} has ended`);
  const { resctrlDirectories: resctrl } = made;
  const record = newRecord({ ...known, performer, ...(resctrl.length > 0 ? { resctrl } : {}) });
  const release = container.claim(record, text);
  const creation: Creation = {
    invocation,
    way,
    container,
    config,
    options,
    ...(made.maps === 'outside' ? { writesMaps: situation.rootless ? 'rootless' : 'root' } : {}),
    record,
    exitCode: undefined,
    warnings: made.warnings,
    ...(scope ? { scope } : {}),
  };
  try {
    await withFailureCleanUp(
      () => performCreation(creation, made.plan, release),
      () => undo(creation),
    );
  } finally {
    release();
  }
  const { exitCode, warnings } = creation;
  return { warnings, ...(exitCode === undefined ? {} : { exitCode }) };
}

/** What stands in the way may be the container of that id, which somebody else has made meanwhile: that is said then. */
function whileNew<T>(container: Container, work: () => T): T {
  try {
    return work();
  } catch (error) {
    container.mustBeNew();
    throw error;
  }
}

interface Creation {
  readonly invocation: Invocation;
  readonly way: Way;
  readonly container: Container;
  readonly config: OciConfig;
  readonly options: CreateOptions;
  /** Who writes the maps of ids, where the container's first process cannot. */
  readonly writesMaps?: 'root' | 'rootless';
  /** Held for the container until it is in it. */
  readonly scope?: StartedScope;
  record: ContainerRecord;
  exitCode: number | undefined;
  warnings: readonly string[];
}

/** Performs the plan and answers what it tells. `release`: what lets other commands at the container. */
async function performCreation(creation: Creation, plan: Plan, release: () => void): Promise<void> {
  const { invocation, way, config, options } = creation;
  const { caller } = invocation;
  const moments = momentsOf({ ...options, waitsForStart: way === 'create' });
  const performance = await caller.perform(plan, { foreground: way === 'foreground' });
  const over = new AbortController();
  caller.gone.addEventListener('abort', () => over.abort());
  const troubles: unknown[] = [];
  const onNote = async (moment: Moment | undefined, payload: Buffer) => {
    if (moment === 'born') performance.answer(Buffer.concat([AGREED, await born(creation, readPid(payload))]));
    else if (moment === 'mounted') {
      await outsideHooks(creation, over);
      performance.answer(AGREED);
    } else if (moment === 'started') {
      release();
      creation.scope?.release();
      await runPoststart(config, creation.record, over.signal).catch((error: unknown) => {
        if (way !== 'foreground') throw error;
        // Its end is told by another note, and by the exit code.
        creation.warnings = [...creation.warnings, messageOf(error)];
      });
    } else performance.answer(await ended(creation, exitCodeOf(payload)));
  };
  let chain = Promise.resolve();
  performance.onNote = (payload) => {
    const copy = Buffer.from(payload);
    const moment = moments.shift();
    chain = chain
      .then(() => onNote(moment, copy))
      .catch((error) => {
        troubles.push(error);
        // It fails then, and the way to the caller stays open, to say why.
        if (moment === 'born' || moment === 'mounted') performance.answer(REFUSED);
      });
  };
  const outcome = await performance.ended.catch((error: unknown) => {
    over.abort();
    return error as Error;
  });
  await chain;
  if (troubles.length > 0) throw troubles[0];
  if (creation.exitCode !== undefined) return; // the performer ended as the program did, without another word
  if (outcome instanceof Error) throw outcome;
  if (outcome.failure) throw asStartFailure(outcome.failure, config, outcome.reply);
}

function stateAs({ record }: Creation, status: Status): OciState {
  return ociState(record, status);
}

/** Records the container's first process, before it can outlive this command. Returns the answer. */
async function born(creation: Creation, pid: number): Promise<Buffer> {
  const { invocation, container, config, options, writesMaps } = creation;
  creation.record = { ...creation.record, init: processOf(pid) };
  container.write(creation.record);
  writePidFile(invocation, pid);
  if (writesMaps) await writeIdMaps(pid, config, writesMaps === 'rootless');
  const texts = stateTexts(options, pid, (status) => stateAs(creation, status));
  if (options.listenerBytes === undefined) return texts;
  const asks = processState(config, stateAs(creation, 'creating'), pid, options.listenerBytes);
  return options.stateBytes ? Buffer.concat([texts, asks]) : asks;
}

const LOOK_MS = 100;

/** Hooks that run while the container's first process waits; they need not go on when it has been killed. */
async function outsideHooks(creation: Creation, over: AbortController): Promise<void> {
  const { config, record } = creation;
  const look = setInterval(() => record.init && hasEnded(record.init) && over.abort(), LOOK_MS);
  try {
    await runHooks(config, 'prestart', stateAs(creation, 'creating'), over.signal);
    await runHooks(config, 'createRuntime', stateAs(creation, 'creating'), over.signal);
  } finally {
    clearInterval(look);
  }
}

/** The program of a `run` has ended. Returns the answer: its exit code. */
async function ended(creation: Creation, exitCode: number): Promise<Buffer> {
  creation.exitCode = exitCode;
  const { answer, warnings } = await foregroundEnd(creation.invocation, creation, exitCode);
  creation.warnings = [...creation.warnings, ...warnings];
  return answer;
}

/** After a failure. What cannot be removed now is nobody's creation any more, so that `delete` may try again. */
async function undo({ invocation, container, config, record }: Creation): Promise<void> {
  removePidFile(invocation);
  try {
    await removeContainer(container, record, { config, force: true, until: NEVER });
  } catch (error) {
    if (container.exists()) container.write({ ...record, creator: NOBODY });
    throw error;
  }
}

export const NEVER = new AbortController().signal;
export const NOBODY = { pid: 0, startTime: '' };

/** The first failure stays in front. */
export async function withFailureCleanUp(work: () => Promise<void>, undo: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    await withCleanUp(async () => {
      throw error;
    }, undo);
  }
}

async function createOptions(
  invocation: Invocation,
  config: OciConfig,
  container: Container,
  way: Way,
): Promise<{ options: CreateOptions; hooksInside: boolean }> {
  const { caller, flags } = invocation;
  const consoleSocket = flags.string('console-socket');
  checkTerminal(config.process.terminal === true, consoleSocket, way === 'foreground');
  const { hooks = {} } = config;
  const hooksInside = Boolean(hooks.createContainer?.length || hooks.startContainer?.length);
  const options: CreateOptions = {
    ...(way === 'create' ? { fifos: { start: container.startFifo, outcome: container.outcomeFifo } } : {}),
    ...(consoleSocket === undefined ? {} : { consoleSocket: resolve(caller.cwd, consoleSocket) }),
    ...(way === 'foreground' ? { foreground: { relayPath: await nativeBinary('vlab-relay') } } : {}),
    preserved: passedDescriptors(invocation),
    ownedStdio: ownedStdio(caller),
    answersBorn: hooksInside,
    answersMounted: Boolean(hooks.prestart?.length || hooks.createRuntime?.length),
  };
  return { options, hooksInside };
}

/** PID_MAX_LIMIT of threads.h: no pid has more digits. */
const LARGEST_PID = 4194304;

/** Hooks read the whole of their input; JSON may end in spaces, and so its length is known before the pid is. */
function stateBytes(record: ContainerRecord): { creating: number; created: number } {
  const bytes = (status: Status) => {
    const state = ociState({ ...record, init: { pid: LARGEST_PID, startTime: '' } }, status);
    return Buffer.byteLength(JSON.stringify(state));
  };
  return { creating: bytes('creating'), created: bytes('created') };
}

/** For hooks in the container's namespaces, which know its first process by another number (runtime.md, "State"). */
function stateTexts({ stateBytes: bytes }: CreateOptions, pid: number, stateAs: (status: Status) => OciState): Buffer {
  if (!bytes) return Buffer.alloc(0);
  const within = pidWithin(pid);
  const text = (status: 'creating' | 'created') => {
    const padded = Buffer.alloc(bytes[status], ' ');
    padded.write(JSON.stringify({ ...stateAs(status), pid: within }));
    return padded;
  };
  return Buffer.concat([text('creating'), text('created')]);
}
