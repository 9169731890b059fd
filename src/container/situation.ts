/** What the compiler of container plans must know of the machine. Read once; the compiler itself is pure. */
import { statSync } from 'node:fs';
import { type CgroupLayout, readCgroupLayout } from '../host/cgroup-layout.js';
import { type Arch, hostArch } from '../sys/abi.js';
import { type CgroupPlace, preparePlaces } from './cgroup/places.js';

export interface Situation {
  arch: Arch;
  /** Every hierarchy that a container can be put into. */
  cgroups: CgroupPlace[];
  /** Masked and read-only paths that this kernel has. */
  kernelPaths: Record<string, 'file' | 'directory'>;
  rootless: { uid: number; gid: number } | undefined;
}

/** Reads this machine's situation and makes vlab's cgroup parents. */
export function readSituation(paths: readonly string[], layout: CgroupLayout = readCgroupLayout()): Situation {
  const uid = process.getuid?.() ?? 0;
  return {
    arch: hostArch(),
    cgroups: preparePlaces(layout, uid === 0),
    kernelPaths: Object.fromEntries(
      paths.flatMap((path) => {
        const stat = statSync(path, { throwIfNoEntry: false });
        return stat ? [[path, stat.isDirectory() ? 'directory' : 'file'] as const] : [];
      }),
    ),
    rootless: uid === 0 ? undefined : { uid, gid: process.getgid?.() ?? 0 },
  };
}
