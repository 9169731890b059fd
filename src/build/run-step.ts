/** RUN: a container of what was built so far; what it changed becomes a layer. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { VlabError } from '../base/errors.js';
import type { AskedContainer, AskedMount } from '../engine/define/asked-container.js';
import { createContainer } from '../engine/life/create-container.js';
import { removeContainer } from '../engine/life/remove-container.js';
import { settleUnlessGone } from '../engine/life/signal-container.js';
import { startContainer } from '../engine/life/start-container.js';
import { containerDir } from '../engine/record/container-files.js';
import { containerIds, readRecordQuickly } from '../engine/record/records.js';
import type { LayerSource } from '../image/layer/pack-layer.js';
import type { Image } from '../image/store/image.js';
import { newLayer, rootMountOf } from '../storage/container-layer.js';
import { hasEnded, thisProcess } from '../sys/owners.js';
import { type BuiltImage, imageConfigOf, manifestOf } from './image-document.js';
import { type Packing, packStep } from './pack-step.js';
import type { StepAction } from './step.js';
import type { CachedStep } from './step-cache.js';
import { Workspace } from './workspace.js';

type Run = Extract<StepAction, { kind: 'run' }>;

/** `PID.STARTTIME` of the build: a container whose build has ended is nobody's. */
const OWNER_LABEL = 'vlab.build.owner';
/** In the container's /dev, which is no part of an image. */
const SCRIPT_PLACE = '/dev/.vlab-run';

export interface RunRequest {
  run: Run;
  below: BuiltImage;
  packing: Packing;
  output: Writable;
  /** For messages: `Dockerfile:3: RUN make`. */
  what: string;
}

/** Errors: `operation` when the command fails, with its exit code in the message; those of createContainer and startContainer. */
export async function performRun(request: RunRequest): Promise<NonNullable<CachedStep['layer']>> {
  const { run, below, packing, what } = request;
  await using workspace = new Workspace();
  const mounts: AskedMount[] = [];
  let { args } = run;
  if (run.script !== undefined) {
    const script = join(workspace.directory, 'script');
    writeFileSync(script, run.script, { mode: 0o755 });
    mounts.push(scriptMount(script));
    args = [SCRIPT_PLACE];
  }
  const { record } = await createContainer({
    asked: askedOf(run, args, mounts),
    root: { kind: 'image', image: imageOf(below), asked: 'build', blobs: packing.store.blobs },
    ...(packing.signal && { signal: packing.signal }),
  });
  let removal: Promise<void> | undefined;
  const remove = () => {
    removal ??= removeContainer(record.id, { force: true, volumes: true });
    return removal;
  };
  const onAbort = () => void remove().catch(() => {}); // told below, where it is awaited
  packing.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const started = await startContainer(record.id, {
      attach: { stdout: request.output, stderr: request.output, waits: true },
      waits: true,
    });
    await started?.attachment?.over;
    const end = await started?.ended;
    packing.signal?.throwIfAborted();
    await settleUnlessGone(record.id);
    if (end?.exitCode !== 0) {
      const code = end ? `returned a non-zero code: ${end.exitCode}` : 'could not be followed to its end';
      throw new VlabError('operation', `${what}: the command ${code}`, { exitCode: 1 });
    }
    return await packStep(await changesOf(record.id, below, workspace, packing), packing);
  } catch (error) {
    packing.signal?.throwIfAborted(); // what failed then failed because the container was taken away
    throw error;
  } finally {
    packing.signal?.removeEventListener('abort', onAbort);
    await remove();
  }
}

async function changesOf(id: string, below: BuiltImage, workspace: Workspace, packing: Packing): Promise<LayerSource> {
  const root = rootMountOf(containerDir(id));
  if (root.kind !== 'directory') return { kind: 'upper', upper: root.upper };
  const { store, signal } = packing;
  const directory = workspace.inner();
  await newLayer({ directory, image: imageOf(below), blobs: store.blobs, volatile: true, signal });
  const base = rootMountOf(directory);
  if (base.kind !== 'directory') throw new RangeError('two layers of one image were made in different ways');
  return { kind: 'changes', base: base.path, changed: root.path };
}

/** Removes the containers of builds that were killed. */
export async function sweepBuilds(): Promise<void> {
  for (const id of containerIds()) {
    const owner = readRecordQuickly(id)?.definition.labels[OWNER_LABEL];
    const [, pid, startTime] = /^(\d+)\.(\d+)$/.exec(owner ?? '') ?? [];
    if (pid === undefined || !hasEnded({ pid: Number(pid), startTime: startTime ?? '' })) continue;
    await removeContainer(id, { force: true, volumes: true }).catch((error: unknown) => {
      if (!(error instanceof VlabError && error.blame === 'input')) throw error; // somebody else has removed it
    });
  }
}

/** As the engine takes an image: it is in no index. */
function imageOf(built: BuiltImage): Image {
  const id = built.layers.at(-1)?.chainId ?? (`sha256:${'0'.repeat(64)}` as const);
  const descriptor = { mediaType: '', digest: id, size: 0 };
  return {
    id,
    manifestDigest: id,
    descriptor,
    manifest: manifestOf(descriptor, built.layers),
    config: { ...imageConfigOf(built), config: {} },
    references: [],
    repoDigests: [],
    layers: built.layers,
    createdAt: '1970-01-01T00:00:00Z',
    sizeBytes: 0,
  };
}

function scriptMount(source: string): AskedMount {
  return {
    ...{ kind: 'bind', origin: 'mount', source, destination: SCRIPT_PLACE, readonly: true },
    ...{ propagation: 'rprivate', recursive: false, readonlyRecursive: false, createSource: false },
  };
}

function askedOf(run: Run, args: string[], mounts: AskedMount[]): AskedContainer {
  const { pid, startTime } = thisProcess();
  const attachments = [{ network: 'bridge', aliases: [], driverOptions: {} }];
  return {
    system: false,
    entrypoint: [],
    command: args,
    env: run.env,
    user: run.user,
    groupAdd: [],
    cwd: run.cwd,
    tty: false,
    openStdin: false,
    stdinOnce: false,
    attach: { stdin: false, stdout: true, stderr: true },
    labels: { [OWNER_LABEL]: `${pid}.${startTime}` },
    annotations: {},
    mounts,
    volumesFrom: [],
    network: {
      mode: run.network === 'default' ? 'networks' : run.network,
      attachments: run.network === 'default' ? attachments : [],
      ...{ publish: [], publishAll: false, exposed: [], dns: [], dnsSearch: [], dnsOptions: [], extraHosts: [] },
    },
    namespaces: { pid: 'private', ipc: 'private', uts: 'private', cgroup: 'private', user: 'host' },
    security: {
      privileged: false,
      capAdd: [],
      capDrop: [],
      seccomp: { kind: 'default' },
      maskPaths: true,
      options: [],
    },
    devices: [],
    deviceRules: [],
    sysctls: {},
    ulimits: [],
    shmSizeBytes: 64 * 1024 ** 2,
    readonlyRoot: false,
    init: false,
    log: { driver: 'none', maxFiles: 1, options: {} },
    autoRemove: false,
    resources: {},
    restart: { name: 'no', maximumRetryCount: 0 },
  };
}
