// Engines where cgroups have version 2 alone, with another kernel. Needs root, the engines and dist/ (npm test builds it).
import { beforeEach, expect, it } from 'vitest';
import { isFullRun, isRoot, needs } from '../../skips.js';
import { hasUserModeLinux, inGuest, vitest } from '../container/user-mode-linux.js';

const TIMEOUT = { timeout: 600_000 };

/** Its networks and layers are modules. /tmp belongs to the machine. */
const SET_UP = `mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /dev/shm /dev/pts; mount -t devpts devpts /dev/pts
for module in lib/crc-ccitt net/ipv6/ipv6 net/llc/llc net/802/stp net/bridge/bridge drivers/net/veth fs/overlayfs/overlay; do
  busybox insmod /usr/lib/uml/modules/$(uname -r)/kernel/$module.ko
done`;

beforeEach((context) => {
  needs(context, 'root', isRoot);
  needs(context, 'user-mode-linux', hasUserModeLinux);
  needs(context, 'full', isFullRun);
});

it.each([
  ['podman', 'podman-properties', 18],
  ['docker', 'docker-properties', 16],
  ['containerd', 'containerd-pods', 5],
] as const)('%s', TIMEOUT, async (_, file, least) => {
  const said = await inGuest(`${SET_UP}\n${vitest(`engines/${file}`)}`);
  const [, passed] = /Tests +.*?(\d+) passed/.exec(said) ?? [];
  expect(said).toContain('ended with 0');
  expect(Number(passed), said).toBeGreaterThanOrEqual(least);
});
