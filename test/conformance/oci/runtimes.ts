/** The runtimes under test: how each is called, and which version of the specification it says it implements. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../../src/base/find-program.js';
import { packageRoot } from '../../../src/base/paths.js';
import type { SpecVersion } from './test-type.js';

export interface Runtime {
  name: string;
  /** Words before the global flags. */
  command: readonly string[];
  /** What its configurations are given as `ociVersion`, and what it is held to. */
  version: SpecVersion;
  /** The words of its own `--version`, first line. */
  says: string;
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

const MAKERS: Record<string, () => Pick<Runtime, 'command' | 'version'> | undefined> = {
  [VLAB_OCI]: () => ({ command: [process.execPath, join(packageRoot(), 'bin/vlab-oci.cjs')], version: '1.3.0' }),
  runc: () => peer('runc', []),
  crun: () => peer('crun', hasHybridCgroups() ? WITHOUT_UNIFIED : []),
};

function peer(name: string, before: readonly string[]): Pick<Runtime, 'command' | 'version'> | undefined {
  const program = findProgram(name);
  return program === undefined ? undefined : { command: [...before, program], version: '1.0.2' };
}

function hasHybridCgroups(): boolean {
  return readFileSync('/proc/self/mountinfo', 'utf8').includes(' /sys/fs/cgroup/unified ');
}

export const RUNTIME_NAMES: readonly string[] = Object.keys(MAKERS);

/** Undefined: not installed here. */
export function findRuntime(name: string): Runtime | undefined {
  const made = MAKERS[name]?.();
  if (!made) return undefined;
  const [command = '', ...words] = made.command;
  const { stdout } = spawnSync(command, [...words, '--version'], { encoding: 'utf8', timeout: 20_000 });
  return { name, says: stdout?.split('\n')[0] ?? '', ...made };
}

/** No runtime at all, which shows what the tests are worth: they must fail. */
export function deaf(program: string): Runtime {
  return { name: program, command: [program], version: '1.3.0', says: '' };
}
