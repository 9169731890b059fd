/**
 * A container without a mount namespace of its own makes its mounts among the caller's (config-linux.md, "Namespaces": what
 * is not listed is inherited). They lie upon its root file system, which is mounted over itself, and go with it.
 */
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { unescapeOctal } from '../host/cgroup-layout.js';
import { flags, hostArch } from '../sys/abi.js';
import { performOnce } from '../sys/perform-once.js';
import { PlanBuilder } from '../sys/plan.js';
import type { OciConfig } from './config/schema.js';
import { hostAbilities } from './host-abilities.js';

/** Takes away what such a container has left. `rootfs`: the absolute path of its root file system. */
export async function unmountInherited(config: OciConfig, rootfs: string): Promise<void> {
  const mount = config.linux.namespaces.find(({ type }) => type === 'mount');
  if (mount && (!mount.path || !hostAbilities.isOwnNamespace('mount', mount.path))) return;
  if (!isMountedOverItself(readFileSync('/proc/self/mountinfo', 'utf8'), rootfs)) return;
  const b = new PlanBuilder(hostArch());
  const how = flags('MNT_DETACH');
  b.step('umount2', [b.str(rootfs), how], "take the container's root away, with all that is mounted in it");
  await performOnce(b.build());
}

/** Whether the topmost mount at `path` shows what is below it anyway. proc_pid_mountinfo(5). Pure. */
export function isMountedOverItself(mountinfo: string, path: string): boolean {
  const mounts = mountinfo.split('\n').map((line) => {
    const [id, parent, device, root = '', point = ''] = line.split(' ');
    return { id, parent, device, root: unescapeOctal(root), point: unescapeOctal(point) };
  });
  const here = mounts.filter(({ point }) => point === path);
  const top = here.find(({ id }) => !here.some(({ parent }) => parent === id));
  const below = mounts.find(({ id }) => id === top?.parent);
  if (!top || !below) return false;
  return top.device === below.device && top.root === posix.join(below.root, posix.relative(below.point, path));
}
