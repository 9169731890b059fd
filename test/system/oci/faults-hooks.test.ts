// Needs root: hooks that hang, fail, fork or read nothing; commands that are ended while they wait; cgroups that do not go.
import { describe, expect, it } from 'vitest';
import { bundle, expectDone, expectTold, LASTING, oci, sh, useOuter, WAYS } from './in-outer.js';
import { COLD, NATIVE } from './outer.js';

// Outside and within the container's root, where /probe is the only program.
useOuter('mkdir -p /hooks; ln -s /bundles/rootfs/probe /hooks/probe');

/** Before the container is there, in the order of the specification; where they are run, and by which verb. */
const CREATING = ['prestart', 'createRuntime', 'createContainer'] as const;
const HANGS = { path: '/hooks/probe', args: ['probe', 'sleep', '1000'] };
const HANGS_INSIDE = { ...HANGS, path: '/probe' };

describe('a hook that hangs', () => {
  const everyWay = CREATING.flatMap((name) =>
    WAYS.map(([way, runtime]) => ({ name, way, runtime, id: `${name}-${way}` })),
  );

  it('is ended after its time: prestart, createRuntime, createContainer', async () => {
    const told = everyWay.map(async ({ name, runtime, id }) => {
      const path = await bundle(id, { ...LASTING, hooks: { [name]: [{ ...HANGS, timeout: 1 }] } });
      const ran = await oci(['create', '--bundle', path, id], { runtime });
      expectTold(ran, `${name} hook 0`, 'did not end within 1 s');
      expect(ran.ms).toBeLessThan(4000);
    });
    await Promise.all(told);
  });

  it('is ended after its time: startContainer, poststart, poststop', async () => {
    const inside = await bundle('slow', { ...LASTING, hooks: { startContainer: [{ ...HANGS_INSIDE, timeout: 1 }] } });
    expectDone(await oci(['create', '--bundle', inside, 'slow']));
    expectTold(await oci(['start', 'slow']), 'startContainer');
    expectDone(await oci(['delete', 'slow']));
    expectTold(await oci(['run', '--bundle', inside, 'slow']), 'startContainer hook 0', 'did not end within 1 s');
    const after = await bundle('slow', {
      hooks: { poststart: [{ ...HANGS, timeout: 1 }], poststop: [{ ...HANGS, timeout: 1 }] },
    });
    expectDone(await oci(['create', '--bundle', after, 'slow']));
    expectTold(await oci(['start', 'slow']), 'poststart hook 0', 'did not end within 1 s');
    const deleted = await oci(['delete', '--force', 'slow']);
    expect([deleted.code, deleted.late]).toEqual([0, false]);
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)(
    'ends with its command, and nothing is left (%s)',
    async (signal) => {
      const ended = everyWay.flatMap(({ name, runtime, id }) =>
        ['create', 'run'].map(async (verb) => {
          const mine = `${verb}-${id}`;
          const path = await bundle(mine, {
            ...LASTING,
            hooks: { [name]: [{ ...HANGS, args: [...HANGS.args, mine] }] },
          });
          const ran = await oci([verb, '--bundle', path, mine], {
            runtime,
            kill: { when: `sleep 1000 ${mine}`, signal },
          });
          expect(ran.late).toBe(false);
          expect(ran.code).not.toBe(0);
          // The planner sees by itself that its caller has gone.
          await expect.poll(async () => (await oci(['state', mine])).stderr).toContain('does not exist');
        }),
      );
      await Promise.all(ended);
    },
  );

  it.each(WAYS)('does not keep others from deleting the container (%s)', async (_, runtime) => {
    const path = await bundle('stuck', { ...LASTING, hooks: { createRuntime: [HANGS] } });
    const creating = oci(['create', '--bundle', path, 'stuck'], { runtime });
    await expect.poll(async () => (await oci(['state', 'stuck'])).code).toBe(0);
    expectTold(await oci(['delete', 'stuck']), 'creating');
    expectTold(await oci(['start', 'stuck']), 'creating');
    const deleted = await oci(['delete', '--force', 'stuck']);
    expectDone(deleted);
    expect(deleted.ms).toBeLessThan(3000);
    expectTold(await creating, /createRuntime hook 0|could not wait/);
  });

  it.each(WAYS)('at the start or the end does not keep others from deleting the container (%s)', async (_, runtime) => {
    const path = await bundle('stuck', { ...LASTING, hooks: { poststart: [HANGS] } });
    expectDone(await oci(['create', '--bundle', path, 'stuck']));
    const starting = oci(['start', 'stuck'], { runtime, kill: { afterMs: 900, signal: 'SIGTERM' } });
    await expect.poll(async () => (await oci(['state', 'stuck'])).stdout).toContain('"running"');
    expectDone(await oci(['delete', '--force', 'stuck']));
    expect(await starting).toMatchObject({ late: false });
    const end = await bundle('stuck', { ...LASTING, hooks: { poststop: [HANGS] } });
    expectDone(await oci(['create', '--bundle', end, 'stuck']));
    const deleting = oci(['delete', '--force', 'stuck'], { runtime, kill: { afterMs: 700, signal: 'SIGTERM' } });
    await expect.poll(async () => (await oci(['state', 'stuck'])).stderr).toContain('does not exist');
    expect(await deleting).toMatchObject({ late: false });
  });
});

describe('a hook', () => {
  it.each(WAYS)('that leaves something running with its pipes open is not waited for (%s)', async (_, runtime) => {
    const forks = { path: '/bin/sh', args: ['sh', '-c', 'sleep 20 & exit 0'] };
    const path = await bundle('forks', {
      ...LASTING,
      hooks: { prestart: [forks], createRuntime: [forks], poststop: [forks] },
    });
    const created = await oci(['create', '--bundle', path, 'forks'], { runtime });
    expectDone(created);
    expect(created.ms).toBeLessThan(3000);
    expectDone(await oci(['delete', '--force', 'forks'], { runtime }));
    await sh('pkill -KILL -x sleep; sleep 0.1');
  });

  it.each(WAYS)('that cannot be run, fails, or is killed is told (%s)', async (_, runtime) => {
    const wrong: [string, object][] = [
      ['/nowhere', {}],
      ['/etc', {}],
      ['/etc/hostname', {}],
      ['/bin/true/below', {}],
      ['/bin/sh', { args: ['sh', '-c', 'echo it is broken >&2; exit 3'] }],
      ['/bin/sh', { args: ['sh', '-c', 'kill -9 $$'] }],
    ];
    for (const name of CREATING) {
      for (const [hookPath, more] of wrong) {
        const path = await bundle('wrong', { ...LASTING, hooks: { [name]: [{ path: hookPath, ...more }] } });
        const ran = await oci(['create', '--bundle', path, 'wrong'], { runtime });
        expectTold(ran, `${name} hook 0 (${hookPath})`);
        if (hookPath === '/bin/sh' && name !== 'createContainer' && ran.stderr.includes('exit code'))
          expect(ran.stderr).toContain('it is broken');
      }
      if (runtime === COLD) break;
    }
  });

  it('that reads nothing of a large state does not hold it up', async () => {
    const annotations = { large: 'x'.repeat(1 << 20) };
    const hooks = Object.fromEntries(CREATING.map((name) => [name, [{ path: '/bin/true' }]]));
    const path = await bundle('deaf', { ...LASTING, hooks, more: { annotations } });
    expectDone(await oci(['create', '--bundle', path, 'deaf']));
    expectDone(await oci(['delete', '--force', 'deaf']));
    const slow = await bundle('deaf', {
      hooks: { createContainer: [{ ...HANGS, timeout: 1 }] },
      more: { annotations },
    });
    expectTold(await oci(['create', '--bundle', slow, 'deaf']), 'did not end within 1 s');
  });
});

describe('a command that waits', () => {
  it.each(WAYS)('for a console that nobody takes ends when it is told to (%s)', async (_, runtime) => {
    // A queue of one, which somebody else fills.
    const full = `const net = require('net'); const server = net.createServer().listen({ path: '/tmp/full.sock', backlog: 1 }, () => {
      server._handle.onconnection = () => {}; for (let i = 0; i < 8; i++) net.connect('/tmp/full.sock').on('error', () => {});
      console.log('ready'); const until = Date.now() + 5000; while (Date.now() < until) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100); });`;
    await sh(
      `cat > /tmp/full.cjs; node /tmp/full.cjs > /tmp/ready 2>&1 & until grep -q ready /tmp/ready; do sleep 0.02; done`,
      {
        stdin: full,
      },
    );
    const path = await bundle('tty', { ...LASTING, terminal: true });
    const words = ['create', '--bundle', path, '--console-socket', '/tmp/full.sock', 'tty'];
    const ran = await oci(words, { runtime, kill: { afterMs: 1000, signal: 'SIGTERM' } });
    expect(ran).toMatchObject({ late: false });
    expect(ran.code).not.toBe(0);
    expect(ran.ms).toBeLessThan(3000);
    expectDone(await oci(['delete', '--force', 'tty']));
    await sh('pkill -KILL -f "full[.]cjs"; rm -f /tmp/full.sock /tmp/ready; sleep 0.1');
  });

  it.each(WAYS)('for its program passes signals on (%s)', async (_, runtime) => {
    const ran = await oci(['run', '--bundle', await bundle('fore', LASTING), 'fore'], {
      runtime,
      kill: { when: '/probe trap', signal: 'SIGTERM' },
    });
    expect(ran).toMatchObject({ code: 0, stdout: 'ready\nsignal 15\n' });
  });

  it('and is killed leaves a container that others can end', async () => {
    const path = await bundle('orphan', LASTING);
    for (const runtime of [NATIVE, COLD]) {
      await oci(['run', '--bundle', path, 'orphan'], { runtime, kill: { when: '/probe trap', signal: 'SIGKILL' } });
      const { code, stderr } = await oci(['delete', '--force', 'orphan']);
      expect([code, stderr]).toEqual([0, '']);
    }
  });
});

describe('a cgroup', () => {
  /** Somebody outside of the container's namespaces, in a cgroup below its own. */
  const intruder = (id: string, hierarchy: string) => `
    d=/sys/fs/cgroup/${hierarchy}/vlab/${id}/below; mkdir -p $d/deep
    setsid sleep 1000 < /dev/null > /dev/null 2>&1 & echo $! > $d/deep/cgroup.procs; echo $! > /tmp/intruder`;

  it.each(['pids', 'unified'])('with a process below it is emptied (%s)', async (hierarchy) => {
    expectDone(await oci(['run', '--detach', '--bundle', await bundle('busy', LASTING), 'busy']));
    await sh(intruder('busy', hierarchy));
    const deleted = await oci(['delete', '--force', 'busy']);
    expectDone(deleted);
    expect(deleted.ms).toBeLessThan(3000);
  });

  it.each(WAYS)('that is paused is let go (%s)', async (_, runtime) => {
    expectDone(await oci(['run', '--detach', '--bundle', await bundle('cold', LASTING), 'cold']));
    expectDone(await oci(['pause', 'cold'], { runtime }));
    expectTold(await oci(['exec', 'cold', '/probe', 'true']), 'paused');
    const deleted = await oci(['delete', '--force', 'cold'], { runtime });
    expectDone(deleted);
    expect(deleted.ms).toBeLessThan(3000);
    expectDone(await oci(['create', '--bundle', await bundle('cold', LASTING), 'cold']));
    expectDone(await oci(['pause', 'cold'], { runtime }));
    expectTold(await oci(['start', 'cold']), 'paused');
    expectDone(await oci(['resume', 'cold'], { runtime }));
    expectDone(await oci(['start', 'cold']));
    expectDone(await oci(['delete', '--force', 'cold'], { runtime }));
  });

  it.each([
    ['freezer', 'echo FROZEN > $d/freezer.state'],
    ['unified', 'echo 1 > $d/cgroup.freeze'],
  ])('of which a part is frozen from within is let go (%s)', async (hierarchy, freeze) => {
    expectDone(await oci(['run', '--detach', '--bundle', await bundle('ice', LASTING), 'ice']));
    await sh(`${intruder('ice', hierarchy)}; ${freeze}; sleep 0.2`);
    const deleted = await oci(['delete', '--force', 'ice']);
    expectDone(deleted);
    expect(deleted.ms).toBeLessThan(4000);
  });

  it('that cannot be removed yet is told, and the next delete removes it', async () => {
    expectDone(await oci(['run', '--detach', '--bundle', await bundle('held', LASTING), 'held']));
    // A mount of nothing can hold it, but a read-only hierarchy does.
    await sh('mount -o remount,bind,ro /sys/fs/cgroup/pids');
    expectTold(await oci(['delete', '--force', 'held']), 'pids/vlab/held');
    expect((await oci(['state', 'held'])).stdout).toContain('"stopped"');
    await sh('mount -o remount,bind,rw /sys/fs/cgroup/pids');
    expectDone(await oci(['delete', 'held']));
  });

  it('that is taken away under the container is no reason to fail', async () => {
    expectDone(await oci(['create', '--bundle', await bundle('gone', LASTING), '--pid-file', '/tmp/pid', 'gone']));
    await sh(
      'for d in /sys/fs/cgroup/*/vlab/gone; do for p in $(cat $d/cgroup.procs); do echo $p > $d/../../cgroup.procs; done; rmdir $d; done',
    );
    expect((await oci(['state', 'gone'])).stdout).toContain('"created"');
    expectDone(await oci(['delete', '--force', 'gone']));
  });
});
