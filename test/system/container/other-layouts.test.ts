// Tests once more where this machine is another: with version 2 of cgroups alone, with version 1 alone, under systemd, as an
// ordinary user to whom systemd delegated some, and with the kernel of user-mode Linux, which may be older (Debian 12: 6.1).
import { existsSync } from 'node:fs';
import { beforeEach, expect, it } from 'vitest';
import { isFullRun, needs } from '../../skips.js';
import { hasUserModeLinux, inGuest, underSystemd, vitest } from './user-mode-linux.js';

const TIMEOUT = { timeout: 600_000 };

beforeEach((context) => needs(context, 'user-mode-linux', hasUserModeLinux));

function expectPassed(said: string, least: number): void {
  const [, passed] = /Tests +(\d+) passed/.exec(said) ?? [];
  expect(Number(passed), said).toBeGreaterThanOrEqual(least);
  expect(said).toContain('ended with 0');
}

const HERE = vitest('container/cgroups', 'container/running-cgroup');

it('version 2 alone', TIMEOUT, async () => {
  expectPassed(await inGuest(`mount -t cgroup2 cgroup2 /sys/fs/cgroup\n${HERE}`), 40);
});

it('version 1 alone', TIMEOUT, async (context) => {
  needs(context, 'full', isFullRun);
  const mounts = `mount -t tmpfs cgroups /sys/fs/cgroup
for set in cpu,cpuacct blkio memory devices freezer pids net_cls; do
  mkdir /sys/fs/cgroup/$set; mount -t cgroup -o $set cgroup /sys/fs/cgroup/$set
done
mkdir /sys/fs/cgroup/systemd; mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd`;
  expectPassed(await inGuest(`${mounts}\n${HERE}`), 35);
});

it('the guards with that kernel', TIMEOUT, async (context) => {
  needs(context, 'full', isFullRun);
  const names = ['isolation', 'mounts-image', 'process', 'seccomp.test', 'system-container'];
  const guards = vitest(...names.map((name) => `container/${name}`));
  expectPassed(await inGuest(`mount -t cgroup2 cgroup2 /sys/fs/cgroup\n${guards}`), 100);
});

const hasSystemd = existsSync('/lib/systemd/systemd');

it.for([
  ['version 2', []],
  ['both versions', ['systemd.unified_cgroup_hierarchy=0']],
  ['version 1', ['systemd.unified_cgroup_hierarchy=0', 'systemd.legacy_systemd_cgroup_controller=1']],
] as const)('systemd with %s', TIMEOUT, async ([, words], context) => {
  needs(context, 'systemd files', hasSystemd);
  needs(context, 'full', isFullRun);
  expectPassed(await underSystemd(vitest('container/systemd-scope', 'container/oci-cgroup'), words), 7);
});

it("an ordinary user's systemd", TIMEOUT, async (context) => {
  needs(context, 'systemd files', hasSystemd);
  needs(context, 'full', isFullRun);
  const own = {
    TMPDIR: '/run/user/1000/tmp',
    VLAB_CACHE_DIR: '/run/user/1000/cache',
    VLAB_RUN_DIR: '/run/user/1000/vlab',
  };
  const environment = Object.entries(own).map(([name, value]) => `--setenv=${name}=${value}`);
  // A service of his, since only processes of his own can be moved into his cgroups.
  const said = await underSystemd(`
mkdir -p /run/user/1000/tmp; chown -R 1000:1000 /run/user/1000; chmod 700 /run/user/1000
systemd-run --quiet --unit=manager --slice=user-1000.slice -p Delegate=yes --uid=1000 --setenv=HOME=/run/user/1000 \\
  --setenv=XDG_RUNTIME_DIR=/run/user/1000 /lib/systemd/systemd --user --unit=basic.target
for _ in $(seq 100); do test -S /run/user/1000/systemd/private && break; sleep 0.1; done
cat > /run/user-job <<'INNER'
${vitest('container/user-cgroups')}
INNER
setpriv --reuid=1000 --regid=1000 --clear-groups env XDG_RUNTIME_DIR=/run/user/1000 systemd-run --user --quiet --unit=job \\
  --same-dir --setenv=PATH=$PATH --setenv=NO_COLOR=1 ${environment.join(' ')} \\
  -p StandardOutput=file:/run/user/1000/out sh /run/user-job
for _ in $(seq 900); do grep -q 'ended with' /run/user/1000/out && break; sleep 0.1; done
cat /run/user/1000/out`);
  expectPassed(said, 3);
});
