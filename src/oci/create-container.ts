/** What `create` and `run` have in common: a bundle becomes a container (runtime.md, "Create"). */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { errnoOf, messageOf, VlabError, withCleanUp } from '../base/errors.js';
import { cgroupOf } from '../container/cgroup/planned-cgroup.js';
import { parseConfig } from '../container/config/parse-config.js';
import type { OciConfig } from '../container/config/schema.js';
import { momentsOf, readPid } from '../container/conversation.js';
import { type CreateOptions, createPlan } from '../container/create-plan.js';
import { exitCodeOf } from '../container/foreground-steps.js';
import { situationFor } from '../container/situation-for.js';
import type { Passed } from '../container/steps/descriptor-steps.js';
import { writeIdMaps } from '../container/write-id-maps.js';
import { nativeBinary } from '../sys/native.js';
import { processOf } from '../sys/owners.js';
import type { Caller } from './caller.js';
import { asStartFailure } from './failure.js';
import { runHooks, runHooksAll } from './hooks.js';
import { type Invocation, namedContainer } from './invocation.js';
import { removeContainer } from './remove-container.js';
import { type Container, type ContainerRecord, newRecord, type OciState, ociState, type Status } from './state.js';

export interface Created {
  container: Container;
  record: ContainerRecord;
  config: OciConfig;
  /** With `foreground`: the code that its program ended with; the container is gone. */
  exitCode?: number;
}

export type Way = 'create' | 'detached' | 'foreground';

/** Errors: `input` for the bundle or the flags; `host` for what this kernel lacks; `operation` for the rest. Nothing is left then. */
export async function createContainer(invocation: Invocation, way: Way): Promise<Created> {
  const { caller, flags } = invocation;
  const container = namedContainer(invocation);
  const bundle = resolve(caller.cwd, flags.string('bundle') ?? '.');
  const text = readBundle(bundle, flags.string('config'));
  const config = parseConfig(text);
  const options = await createOptions(invocation, config, container, way);
  const situation = { ...(await situationFor(config)), id: container.id };
  const cgroup = cgroupOf(config, container.id, situation);
  const rootfs = resolve(bundle, config.root.path);
  const made = createPlan({ ...config, root: { ...config.root, path: rootfs } }, situation, cgroup, options);
  container.claim();
  let record = newRecord({
    id: container.id,
    ociVersion: config.ociVersion,
    bundle,
    rootfs,
    ...(config.annotations ? { annotations: config.annotations } : {}),
    cgroup: cgroup.cgroup,
  });
  container.writeConfig(text);
  container.write(record);
  const stateAs = (status: Status): OciState => ociState(record, status);
  const moments = momentsOf({ ...options, waitsForStart: way === 'create' });
  let exitCode: number | undefined;
  await withFailureCleanUp(
    async () => {
      const performance = await caller.perform(made.plan, { foreground: way === 'foreground' });
      const troubles: unknown[] = [];
      const onNote = async (payload: Buffer) => {
        const moment = moments.shift();
        if (moment === 'born') {
          record = { ...record, init: processOf(readPid(payload)) };
          container.write(record);
          if (made.maps === 'outside') await writeIdMaps(readPid(payload), config, situation.rootless !== undefined);
          if (made.answersBorn) performance.answer(stateTexts(options, stateAs));
        } else if (moment === 'mounted') {
          await runHooks(config, 'prestart', stateAs('creating'));
          await runHooks(config, 'createRuntime', stateAs('creating'));
          performance.answer(Buffer.from('.'));
        } else if (moment === 'started') {
          writePidFile(invocation, record.init?.pid);
          await runHooksAll(config, 'poststart', stateAs('running'));
        } else {
          exitCode = exitCodeOf(payload);
          if (!flags.has('keep')) await removeContainer(container, record, { config });
          const code = Buffer.alloc(4);
          code.writeInt32LE(exitCode);
          performance.answer(code);
        }
      };
      let chain = Promise.resolve();
      performance.onNote = (payload) => {
        const copy = Buffer.from(payload);
        chain = chain
          .then(() => onNote(copy))
          .catch((error) => {
            troubles.push(error);
            void performance.cancel();
          });
      };
      const outcome = await performance.ended.catch((error: unknown) => error as Error);
      await chain;
      if (troubles.length > 0) throw troubles[0];
      if (exitCode !== undefined) return; // the performer ended as the program did, without another word
      if (outcome instanceof Error) throw outcome;
      if (outcome.failure) throw asStartFailure(outcome.failure, config);
      if (way === 'create') writePidFile(invocation, record.init?.pid);
    },
    () => removeContainer(container, record, { config, force: true }),
  );
  return { container, record, config, ...(exitCode === undefined ? {} : { exitCode }) };
}

async function withFailureCleanUp(work: () => Promise<void>, undo: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    await withCleanUp(
      async () => {
        throw error;
      },
      async () => void (await undo()),
    );
  }
}

function readBundle(bundle: string, file = 'config.json'): string {
  try {
    return readFileSync(resolve(bundle, file), 'utf8');
  } catch (cause) {
    throw new VlabError('input', `cannot read ${join(bundle, file)}: ${messageOf(cause)}`, {
      cause,
      hint:
        errnoOf(cause) === 'ENOENT' ? 'name the bundle by --bundle; `vlab-oci spec` writes a first config.json' : '',
    });
  }
}

async function createOptions(
  invocation: Invocation,
  config: OciConfig,
  container: Container,
  way: Way,
): Promise<CreateOptions> {
  const { caller, flags } = invocation;
  const consoleSocket = flags.string('console-socket');
  checkTerminal(config.process.terminal === true, consoleSocket, way === 'foreground');
  const { hooks = {} } = config;
  const hooksInside = Boolean(hooks.createContainer?.length || hooks.startContainer?.length);
  return {
    ...(way === 'create' ? { fifos: { start: container.startFifo, outcome: container.outcomeFifo } } : {}),
    ...(consoleSocket === undefined ? {} : { consoleSocket: resolve(caller.cwd, consoleSocket) }),
    ...(way === 'foreground' ? { foreground: { relayPath: await nativeBinary('vlab-relay') } } : {}),
    preserved: passedDescriptors(invocation),
    ownedStdio: ownedStdio(caller),
    answersBorn: hooksInside,
    answersMounted: Boolean(hooks.prestart?.length || hooks.createRuntime?.length),
    ...(hooksInside ? { stateBytes: { creating: STATE_BYTES, created: STATE_BYTES } } : {}),
  };
}

const S_IFMT = 0o170000;
const S_IFCHR = 0o020000;

function isDevice(mode: number | undefined): boolean {
  return mode === undefined || (mode & S_IFMT) === S_IFCHR;
}

/** Hooks read the whole of their input; JSON may end in spaces, and so its length is known before the pid is. */
const STATE_BYTES = 4096;

function stateTexts({ stateBytes }: CreateOptions, stateAs: (status: Status) => OciState): Buffer {
  if (!stateBytes) return Buffer.from('.');
  return Buffer.from(
    JSON.stringify(stateAs('creating')).padEnd(stateBytes.creating) +
      JSON.stringify(stateAs('created')).padEnd(stateBytes.created),
  );
}

export function writePidFile({ caller, flags }: Invocation, pid: number | undefined): void {
  const path = flags.string('pid-file');
  if (path !== undefined) writeFileSync(resolve(caller.cwd, path), String(pid));
}

/** `--preserve-fds`, and those of socket activation (sd_listen_fds(3)). */
export function passedDescriptors({ caller, flags }: Invocation): Passed[] {
  return caller.pass((flags.integer('preserve-fds') ?? 0) + Number(caller.env.LISTEN_FDS ?? 0));
}

/** Standard descriptors that the program's user must own: pipes and files, never devices. */
export function ownedStdio(caller: Caller): number[] {
  return [0, 1, 2].filter((number) => !isDevice(caller.stdioMode(number)));
}

/** Errors: `input` in the words of runc, which its callers know. */
export function checkTerminal(wanted: boolean, consoleSocket: string | undefined, foreground: boolean): void {
  if (wanted && consoleSocket === undefined && !foreground) {
    throw new VlabError('input', 'cannot allocate tty if runc will detach without setting console socket');
  }
  if (consoleSocket !== undefined && (!wanted || foreground)) {
    throw new VlabError('input', 'cannot use console socket if runc will not detach or allocate tty');
  }
}
