/**
 * The bench runs in namespaces of its own: directories in memory, a network with nothing but loopback in it, the processes that it
 * starts. So engines are used in the directories that they have by default, and all of it is gone with the bench.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { readCgroupLayout } from '../../src/host/cgroup-layout.js';
import { removeCgroup } from '../../src/sys/remove-cgroup.js';
import { ENVIRONMENT } from '../start-arms.js';

/** Without the unified tree, with which crun refuses a machine that has both versions of cgroups. */
const PREPARE = `
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p -m 755 /run/lock /run/netns
mkdir -m 1777 /run/tmp
for place in etc var; do
  mkdir -p /run/changed/$place /run/work/$place
  mount -t overlay -o lowerdir=/$place,upperdir=/run/changed/$place,workdir=/run/work/$place overlay /$place
done
mkdir -p /var/lib/containers
mount -t tmpfs -o mode=711 tmpfs /var/lib/containers
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount --bind /run/netns /run/netns && mount --make-shared /run/netns
[ ! -d /sys/fs/cgroup/unified ] || umount /sys/fs/cgroup/unified
ip link set lo up
exec "$@"
`;

/** The variable that says the cgroup of the room, a cgroupsPath; absent outside of one. */
export const ROOM_CGROUP = 'VLAB_BENCH_ROOM';

/** Runs this very command again in a room. Returns its exit code. */
export async function inRoom(): Promise<number> {
  const cgroup = `/vlab-bench-${randomBytes(4).toString('hex')}`;
  const namespaces = ['--mount', '--pid', '--net', '--ipc', '--uts', '--fork', '--kill-child', '--mount-proc'];
  const again = [process.execPath, ...process.argv.slice(1)];
  const child = spawn('unshare', [...namespaces, '--', 'bash', '-c', PREPARE, 'bash', ...again], {
    stdio: 'inherit',
    env: {
      ...ENVIRONMENT,
      ...{ TMPDIR: '/run/tmp', VLAB_RUN_DIR: '/run/vlab', VLAB_DATA_DIR: '/run/vlab-data', [ROOM_CGROUP]: cgroup },
      ...(process.env.VLAB_CACHE_DIR ? { VLAB_CACHE_DIR: process.env.VLAB_CACHE_DIR } : {}),
    },
  });
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? 1;
  } finally {
    const { controllers, named, unified } = readCgroupLayout();
    const hierarchies = [...Object.values(controllers), ...Object.values(named), ...(unified ? [unified] : [])];
    for (const path of new Set(hierarchies.map(({ mountPoint }) => join(mountPoint, cgroup)))) await removeCgroup(path);
  }
}
