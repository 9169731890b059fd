// Needs root: vlab-oci with a state directory that is full, read-only, gone or written into by others.
import { afterEach, describe, expect, it } from 'vitest';
import { bundle, expectDone, expectTold, LASTING, oci, sh, useOuter, WAYS } from './in-outer.js';
import { STATE_ROOT } from './outer.js';

useOuter();

describe('a state directory', () => {
  const root = '/run/small';
  const fill = `dd if=/dev/zero of=${root}/fill bs=4k 2>/dev/null; dd if=/dev/zero of=${root}/fill2 bs=1 2>/dev/null; true`;

  afterEach(() => sh(`umount ${root} 2>/dev/null; umount ${root} 2>/dev/null; rm -rf ${root}`));

  it.each(WAYS)('that is full refuses new containers, and lets go of old ones (%s)', async (_, runtime) => {
    await sh(`mkdir -p ${root}; mount -t tmpfs -o size=64k small ${root}`);
    const path = await bundle('a', LASTING);
    expectDone(await oci(['create', '--bundle', path, 'old'], { root, runtime }));
    await sh(fill);
    expectTold(await oci(['create', '--bundle', path, 'new'], { root, runtime }), 'ENOSPC');
    expectDone({ ...(await oci(['state', 'old'], { root, runtime })), stdout: '' });
    expectDone(await oci(['start', 'old'], { root, runtime }));
    expectDone(await oci(['kill', 'old', 'KILL'], { root, runtime }));
    expectDone(await oci(['delete', '--force', 'old'], { root, runtime }));
    expectTold(await oci(['state', 'old'], { root, runtime }), 'does not exist');
  });

  it('that has no more inodes does so too', async () => {
    await sh(`mkdir -p ${root}; mount -t tmpfs -o size=1m,nr_inodes=20 small ${root}`);
    const path = await bundle('a', LASTING);
    expectDone(await oci(['create', '--bundle', path, 'old'], { root }));
    await sh(
      `cd ${root}; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do : > f$i; done 2>/dev/null; true`,
    );
    expectTold(await oci(['create', '--bundle', path, 'new'], { root }), 'ENOSPC');
    expectDone(await oci(['delete', '--force', 'old'], { root }));
  });

  it.each(WAYS)('that is read-only answers questions and signals, and refuses the rest (%s)', async (_, runtime) => {
    await sh(`mkdir -p ${root}; mount -t tmpfs small ${root}`);
    const path = await bundle('a', LASTING);
    expectDone(await oci(['run', '--detach', '--bundle', path, 'old'], { root, runtime }));
    await sh(`mount -o remount,ro ${root}`);
    expect((await oci(['state', 'old'], { root, runtime })).stdout).toContain('"running"');
    expect((await oci(['list', '--quiet'], { root, runtime })).stdout).toBe('old\n');
    expectTold(await oci(['create', '--bundle', path, 'new'], { root, runtime }), 'EROFS');
    expectTold(await oci(['delete', '--force', 'old'], { root, runtime }), 'EROFS');
    expectDone(await oci(['kill', 'old', 'KILL'], { root, runtime }));
    await sh(`mount -o remount,rw ${root}`);
    expectDone(await oci(['delete', '--force', 'old'], { root, runtime }));
  });

  it('that cannot be made is told', async () => {
    const path = await bundle('a');
    expectTold(await oci(['run', '--bundle', path, 'a'], { root: '/dev/null/x' }), 'ENOTDIR');
    expectTold(await oci(['run', '--bundle', path, 'a'], { root: '/proc/oci' }), /ENOENT|EPERM|EACCES/);
    expectTold(await oci(['state', 'a'], { root: '/nowhere' }), 'does not exist');
    expectDone(await oci(['list'], { root: '/nowhere', stdin: '' }).then((ran) => ({ ...ran, stderr: '' })));
  });

  it('that is removed under a running container is no reason to fail', async () => {
    const path = await bundle('a', LASTING);
    expectDone(await oci(['run', '--detach', '--bundle', path, '--pid-file', '/tmp/pid', 'a']));
    await sh(`rm -r ${STATE_ROOT}/a`);
    expectTold(await oci(['state', 'a']), 'does not exist');
    expectDone(await oci(['delete', '--force', 'a']));
    expectTold(await oci(['create', '--bundle', path, 'a']), 'is not empty');
    await sh('kill -9 $(cat /tmp/pid); sleep 0.2; find /sys/fs/cgroup/*/vlab -depth -name a -exec rmdir {} +');
  });

  it('that is removed while a container is created or waits is told', async () => {
    const path = await bundle('a', LASTING);
    expectDone(await oci(['create', '--bundle', path, '--pid-file', '/tmp/pid', 'a']));
    await sh(`rm -r ${STATE_ROOT}/a`);
    expectTold(await oci(['start', 'a']), 'does not exist');
    await sh('kill -9 $(cat /tmp/pid); sleep 0.2; find /sys/fs/cgroup/*/vlab -depth -name a -exec rmdir {} +');
  });

  it('in which somebody has written is told to be broken, and can be removed', async () => {
    const path = await bundle('a', LASTING);
    expectDone(await oci(['run', '--detach', '--bundle', path, '--pid-file', '/tmp/pid', 'a']));
    expectDone(await oci(['run', '--detach', '--bundle', await bundle('b', LASTING), 'b']));
    await sh(`rm ${STATE_ROOT}/b/lock`);
    expectTold(await oci(['pause', 'b']), 'the lock');
    expectDone(await oci(['delete', '--force', 'b']));
    await sh(`echo '{"version":' > ${STATE_ROOT}/a/state.json`);
    expectTold(await oci(['state', 'a']), 'cannot be read', 'delete --force');
    expect((await oci(['list', '--quiet'])).code).toBe(0);
    expectDone(await oci(['delete', '--force', 'a']));
    await sh('kill -9 $(cat /tmp/pid); sleep 0.2; find /sys/fs/cgroup/*/vlab -depth -name a -exec rmdir {} +');
  });
});
