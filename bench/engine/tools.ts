/** What is compared in the room: vlab and podman with the same images, and how their commands are run and timed. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VlabError } from '../../src/base/errors.js';
import { findProgram } from '../../src/base/find-program.js';
import { packageRoot } from '../../src/base/paths.js';
import type { Part, PartContext } from '../containers/part.js';
import type { Runtime } from '../containers/runtimes.js';
import { openTimer, type Timer } from '../containers/timed-command.js';
import { ENVIRONMENT } from '../start-arms.js';
import { ROOM_CGROUP } from './room.js';

export const IMAGE = 'bb';
const APPLETS = ['true', 'sleep', 'httpd', 'ping', 'sh'];

/** podman without systemd: docs/engines.md. */
const PODMAN_CONF = `
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
log_driver = "k8s-file"
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
`;

/** How large things are; a test makes them small. */
export interface Sizes {
  rounds: number;
  files: number;
  atOnce: number;
  records: number;
  trafficSeconds: number;
}

export interface Promised {
  name: string;
  figure: string;
  interval: string;
  blocks: number;
  promise: string;
  kept: boolean;
}

/** A table, and the promises among its figures. */
export interface EnginePart extends Part {
  promises: Promised[];
}

export interface EngineContext extends PartContext {
  sizes: Sizes;
  vlab: Runtime;
  /** Absent: not installed. */
  podman?: Runtime | undefined;
  timer: Timer;
}

export type MeasureEngine = (context: EngineContext) => Promise<EnginePart>;

/** Environment of every command that is run here. */
export function roomEnvironment(): Record<string, string> {
  const { VLAB_RUN_DIR = '', VLAB_DATA_DIR = '', TMPDIR = '', VLAB_CACHE_DIR } = process.env;
  return {
    ...{ ...ENVIRONMENT, TMPDIR, VLAB_RUN_DIR, VLAB_DATA_DIR },
    ...(VLAB_CACHE_DIR ? { VLAB_CACHE_DIR } : {}),
  };
}

/** Standard output of a command that must end with 0. */
export function ask(words: readonly string[], input?: Uint8Array): string {
  const [program = '', ...rest] = words;
  const ran = spawnSync(program, rest, {
    env: roomEnvironment(),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: 120_000,
    ...(input ? { input } : {}),
  });
  if (ran.status !== 0) throw new VlabError('operation', `${words.join(' ')} failed: ${ran.stderr.trim()}`);
  return ran.stdout.trimEnd();
}

export const of = (runtime: Runtime, ...words: string[]): string[] => [runtime.path, ...runtime.words, ...words];

/** Words of a container's making: where podman's cgroups are. */
export function make(runtime: Runtime, verb: 'run' | 'create', ...words: string[]): string[] {
  return runtime.name === 'podman' ? [verb, `--cgroup-parent=${process.env[ROOM_CGROUP]}`, ...words] : [verb, ...words];
}

export async function openTools(context: PartContext, sizes: Sizes): Promise<EngineContext> {
  const env = roomEnvironment();
  const vlab: Runtime = {
    ...{ name: 'vlab', path: process.execPath, env },
    words: [join(packageRoot(), 'bin/vlab.cjs')],
  };
  const root = join(context.scratchDir, 'bb');
  mkdirSync(join(root, 'bin'), { recursive: true });
  for (const name of ['proc', 'sys', 'dev', 'etc', 'tmp', 'run']) mkdirSync(join(root, name));
  const busybox = findProgram('busybox');
  if (!busybox) throw new VlabError('host', 'this bench needs busybox', { hint: 'apt-get install busybox-static' });
  cpSync(busybox, join(root, 'bin/busybox'), { dereference: true });
  for (const name of APPLETS) symlinkSync('busybox', join(root, 'bin', name));
  withIperf(root);
  const archive = join(context.scratchDir, 'bb.tar');
  ask(['tar', '-C', root, '-cf', archive, '.']);
  ask(of(vlab, 'import', archive, IMAGE));
  const podman = openPodman(env);
  if (podman) ask(of(podman, 'import', archive, IMAGE));
  return { ...context, sizes, vlab, podman, timer: await openTimer(context) };
}

function openPodman(env: Record<string, string>): Runtime | undefined {
  const path = findProgram('podman');
  const runtime = findProgram('crun') ?? findProgram('runc');
  if (!path || !runtime) return undefined;
  mkdirSync('/etc/containers/containers.conf.d', { recursive: true });
  writeFileSync('/etc/containers/containers.conf', ''); // the one of this machine is not for the room
  writeFileSync('/etc/containers/containers.conf.d/bench.conf', PODMAN_CONF);
  return { name: 'podman', path, words: [`--runtime=${runtime}`], env };
}

/** iperf3(1) with its libraries, where it is installed. */
function withIperf(root: string): void {
  const iperf = findProgram('iperf3');
  if (!iperf) return;
  const needed = [...ask(['ldd', iperf]).matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path);
  for (const path of [iperf, ...needed]) cpSync(path, join(root, path), { dereference: true, recursive: true });
}

/** Those that are here, vlab first. */
export const tools = ({ vlab, podman }: EngineContext): Runtime[] => (podman ? [vlab, podman] : [vlab]);
