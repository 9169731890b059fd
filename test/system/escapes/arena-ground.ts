/** What an arena stands on: the root that its first process makes, and its cgroups with their limits. */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../sys/own-launcher.js';

const MEMORY_BYTES = 256 * 2 ** 20;
const PROCESSES = 100;
/** What a file of the arena, outside of all containers, holds. */
export const SECRET = 'of the host';

/** Major and minor number of a device that does nothing when it is only opened, and that no container has. */
export const FOREIGN_DEVICE = ((): [number, number] => {
  for (const path of ['/dev/net/tun', '/dev/fuse', '/dev/loop-control']) {
    const { rdev } = statSync(path, { throwIfNoEntry: false }) ?? {};
    if (rdev !== undefined) return [rdev >> 8, rdev & 0xff];
  }
  return [10, 200];
})();

export function makeCgroup(directory: string): void {
  mkdirSync(directory);
  const files = readdirSync(directory);
  const limits = { 'memory.limit_in_bytes': MEMORY_BYTES, 'memory.max': MEMORY_BYTES, 'pids.max': PROCESSES };
  for (const file of files.includes('cgroup.controllers') ? [] : ['cpuset.cpus', 'cpuset.mems']) {
    if (files.includes(file)) writeFileSync(join(directory, file), readFileSync(join(directory, '..', file)));
  }
  for (const [file, value] of Object.entries(limits))
    if (files.includes(file)) writeFileSync(join(directory, file), String(value));
}

export async function removeTree(directory: string): Promise<void> {
  for (const entry of readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) await removeTree(join(directory, entry.name));
  await until(
    () => {
      try {
        rmdirSync(directory);
        return true;
      } catch {
        return false;
      }
    },
    `${directory} can be removed`,
    5000,
  );
}

/** A root of nothing but what the attacks need, with the host's own nowhere to be seen. */
export function setUp(folder: string): string {
  return `
r=${folder}/root; mkdir $r; mount -t tmpfs -o mode=755,size=64m arena $r; cd $r
mkdir proc sys dev dev/pts old host rootfs rootfs/proc rootfs/sys rootfs/dev rootfs/tmp rootfs/mnt
cp ${folder}/vlab-front ${folder}/vlab-init ${folder}/vlab-relay .; cp ${folder}/vlab-init runtime; cp ${folder}/probe ${folder}/escape rootfs/
for one in setuid capable inheriting; do cp rootfs/probe rootfs/$one; done; chmod 4755 rootfs/setuid
rootfs/escape file-capability rootfs/capable permitted >&2; rootfs/escape file-capability rootfs/inheriting inheritable >&2
echo "${SECRET}" > rootfs/of-group; chown 0:1234 rootfs/of-group; chmod 640 rootfs/of-group
mknod -m 666 rootfs/device c ${FOREIGN_DEVICE.join(' ')}
mount -t proc proc proc; mount -t sysfs sysfs sys; mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts; ln -s pts/ptmx dev/ptmx
mount --rbind /sys/fs/cgroup sys/fs/cgroup
echo "${SECRET}" > host/secret
for one in null zero full random urandom tty; do cp -a /dev/$one dev/$one; done
mkdir usr; mount --rbind -o ro /usr usr
for one in bin lib lib64; do cp -a /$one . ; done
pivot_root . old; cd /; umount -l old; echo made; read end`
    .replaceAll('\n', '; ')
    .replace(/^; /, '');
}
