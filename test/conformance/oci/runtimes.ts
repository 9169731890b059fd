/** The runtimes under test: how each is called, and which version of the specification it is held to. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../../src/base/find-program.js';
import { packageRoot } from '../../../src/base/paths.js';
import { expectSuccess, runCommand } from './command.js';
import { calledBy, ORDINARY_USER, type OrdinaryUser } from './ordinary-user.js';
import type { SpecVersion } from './test-type.js';

export interface Runtime {
  name: string;
  /** Ways to call one and the same runtime have one product, and the same exceptions. */
  product: string;
  /** What its configurations are given as `ociVersion`. */
  version: SpecVersion;
  /** The first line of its `--version`. */
  says: string;
  /** Who calls it, where that is not root. */
  user?: OrdinaryUser;
  /** Makes it ready, in a folder of its own. */
  open(dir: string): Promise<OpenRuntime>;
}

export interface OpenRuntime {
  /** Words before the global flags. */
  command: readonly string[];
  env?: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/**
 * crun 1.8 takes a mounted /sys/fs/cgroup/unified for the place where it finds limits; without that mount, in a mount
 * namespace of its own, it uses the v1 controllers as runc and vlab-oci do. Other mounts go on as they were, so that
 * mount propagation can be tested.
 */
const WITHOUT_UNIFIED = [
  ...['unshare', '--mount', '--propagation', 'unchanged', 'sh', '-c'],
  'mount --make-rprivate /sys/fs/cgroup && umount /sys/fs/cgroup/unified && exec "$@"',
  'crun',
];

export const VLAB_OCI = 'vlab-oci';
export const WITH_PLANNER = 'vlab-oci with its planner';
export const ROOTLESS = 'vlab-oci rootless';

const NODE_MAIN = [process.execPath, join(packageRoot(), 'bin/vlab-oci.cjs')];

const MAKERS: Record<string, () => Runtime | undefined> = {
  [VLAB_OCI]: () => ({ ...ready(VLAB_OCI, NODE_MAIN, '1.3.0'), open: (dir) => openVlab(dir, false) }),
  [WITH_PLANNER]: () => ({
    ...ready(VLAB_OCI, NODE_MAIN, '1.3.0'),
    name: WITH_PLANNER,
    open: (dir) => openVlab(dir, true),
  }),
  runc: () => peer('runc', []),
  crun: () => peer('crun', hasHybridCgroups() ? WITHOUT_UNIFIED : []),
  [ROOTLESS]: () => rootless(VLAB_OCI, ROOTLESS),
};

export const RUNTIME_NAMES: readonly string[] = Object.keys(MAKERS);

/** Undefined: not installed here. */
export function findRuntime(name: string): Runtime | undefined {
  return MAKERS[name]?.();
}

/** No runtime at all, which shows what the tests are worth: they must fail. */
export function deaf(program: string): Runtime {
  return ready(program, [program], '1.3.0');
}

function ready(name: string, command: readonly string[], version: SpecVersion): Runtime {
  const [program = '', ...words] = command;
  const { stdout } = spawnSync(program, [...words, '--version'], { encoding: 'utf8', timeout: 20_000 });
  const says = stdout?.split('\n')[0] ?? '';
  return { name, product: name, version, says, open: async () => ({ command, close: async () => {} }) };
}

function peer(name: string, before: readonly string[]): Runtime | undefined {
  const program = findProgram(name);
  return program === undefined ? undefined : ready(name, [...before, program], '1.0.2');
}

/** One of the others, called by an ordinary user. What it is expected to do is another list. */
function rootless(called: string, name: string): Runtime | undefined {
  const runtime = findRuntime(called);
  return (
    runtime && {
      ...runtime,
      ...{ name, product: name, user: ORDINARY_USER },
      async open(dir) {
        const opened = await runtime.open(dir);
        const { words, env } = calledBy(ORDINARY_USER, dir);
        // Before the user's words: what only root can prepare.
        const before = opened.command.slice(0, -1);
        return { ...opened, command: [...before, ...words, ...opened.command.slice(-1)], env };
      },
    }
  );
}

function hasHybridCgroups(): boolean {
  return readFileSync('/proc/self/mountinfo', 'utf8').includes(' /sys/fs/cgroup/unified ');
}

/** The native vlab-oci. With a resident planner, which runs as long as the suite does, or without. */
async function openVlab(dir: string, resident: boolean): Promise<OpenRuntime> {
  const run = join(dir, 'run');
  mkdirSync(run, { mode: 0o700 });
  const env = { ...process.env, VLAB_RUN_DIR: run } as Record<string, string>;
  const vlab = async (...words: string[]) =>
    expectSuccess(
      words.join(' '),
      await runCommand([process.execPath, join(packageRoot(), 'bin/vlab.cjs'), ...words], { env, mostMs: 60_000 }),
    );
  const program = join(dir, 'vlab-oci');
  await vlab('oci', 'install', program);
  if (!resident) return { command: [program], close: async () => {} };
  await vlab('planner', 'start');
  return { command: [program], close: () => vlab('planner', 'stop') };
}
