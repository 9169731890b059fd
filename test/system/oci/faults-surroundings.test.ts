// Needs root: vlab-oci in bad surroundings. Each command ends in time, says what is wrong, and leaves nothing.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { smallConfig, type Wish } from '../../fixtures/oci/configs.js';
import type { Machine } from '../../fixtures/oci/machine.js';
import type { Ran } from '../../fixtures/oci/run-command.js';
import { isRoot, needs } from '../../skips.js';
import { COLD, NATIVE, Outer, STATE_ROOT } from './outer.js';

let outer: Outer;
let before: Machine;

beforeEach((context) => needs(context, 'root', isRoot));
beforeAll(async () => {
  if (!isRoot) return;
  outer = await Outer.start();
  await outer.sh('mkdir -p /run/oci');
  before = await outer.machine();
  await outer.startPlanner();
});
afterAll(() => outer?.[Symbol.asyncDispose]());
afterEach(async () => {
  if (!isRoot) return;
  const left = await outer.leftSince(before);
  // A test that failed is not to be blamed on the next one.
  await outer.sh(`for id in $(ls ${STATE_ROOT}); do ${NATIVE[0]} --root ${STATE_ROOT} delete --force $id; done`);
  expect(left).toEqual({});
});

const WAYS = [
  ['resident', NATIVE],
  ['cold', COLD],
] as const;

type More = Parameters<Outer['run']>[1] & { root?: string; runtime?: readonly string[] };

function oci(words: string[], { root = STATE_ROOT, runtime = NATIVE, ...more }: More = {}): Promise<Ran> {
  return outer.run([...runtime, '--root', root, ...words], { timeoutMs: 10_000, ...more });
}

/** A bundle of that wish, and its path. */
const bundle = (name: string, wish: Wish = {}) => outer.bundle(name, smallConfig(wish));

const lasting: Wish = { args: ['/probe', 'trap'] };

function expectTold(ran: Ran, ...words: (string | RegExp)[]): void {
  expect(ran.late).toBe(false);
  expect(ran.code).not.toBe(0);
  for (const word of words) expect(ran.stderr).toMatch(word);
  expect(ran.stderr).not.toMatch(/^\s+at /m);
}

function expectDone(ran: Ran): void {
  expect({ code: ran.code, stderr: ran.stderr, late: ran.late }).toEqual({ code: 0, stderr: '', late: false });
}

describe('a state directory', () => {
  const root = '/run/small';
  const fill = `dd if=/dev/zero of=${root}/fill bs=4k 2>/dev/null; dd if=/dev/zero of=${root}/fill2 bs=1 2>/dev/null; true`;

  afterEach(() => outer?.sh(`umount ${root} 2>/dev/null; umount ${root} 2>/dev/null; rm -rf ${root}`));

  it.each(WAYS)('that is full refuses new containers, and lets go of old ones (%s)', async (_, runtime) => {
    await outer.sh(`mkdir -p ${root}; mount -t tmpfs -o size=64k small ${root}`);
    const path = await bundle('a', lasting);
    expectDone(await oci(['create', '--bundle', path, 'old'], { root, runtime }));
    await outer.sh(fill);
    expectTold(await oci(['create', '--bundle', path, 'new'], { root, runtime }), 'ENOSPC');
    expectDone({ ...(await oci(['state', 'old'], { root, runtime })), stdout: '' });
    expectDone(await oci(['start', 'old'], { root, runtime }));
    expectDone(await oci(['kill', 'old', 'KILL'], { root, runtime }));
    expectDone(await oci(['delete', '--force', 'old'], { root, runtime }));
    expectTold(await oci(['state', 'old'], { root, runtime }), 'does not exist');
  });

  it('that has no more inodes does so too', async () => {
    await outer.sh(`mkdir -p ${root}; mount -t tmpfs -o size=1m,nr_inodes=20 small ${root}`);
    const path = await bundle('a', lasting);
    expectDone(await oci(['create', '--bundle', path, 'old'], { root }));
    await outer.sh(
      `cd ${root}; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do : > f$i; done 2>/dev/null; true`,
    );
    expectTold(await oci(['create', '--bundle', path, 'new'], { root }), 'ENOSPC');
    expectDone(await oci(['delete', '--force', 'old'], { root }));
  });

  it.each(WAYS)('that is read-only answers questions and signals, and refuses the rest (%s)', async (_, runtime) => {
    await outer.sh(`mkdir -p ${root}; mount -t tmpfs small ${root}`);
    const path = await bundle('a', lasting);
    expectDone(await oci(['run', '--detach', '--bundle', path, 'old'], { root, runtime }));
    await outer.sh(`mount -o remount,ro ${root}`);
    expect((await oci(['state', 'old'], { root, runtime })).stdout).toContain('"running"');
    expect((await oci(['list', '--quiet'], { root, runtime })).stdout).toBe('old\n');
    expectTold(await oci(['create', '--bundle', path, 'new'], { root, runtime }), 'EROFS');
    expectTold(await oci(['delete', '--force', 'old'], { root, runtime }), 'EROFS');
    expectDone(await oci(['kill', 'old', 'KILL'], { root, runtime }));
    await outer.sh(`mount -o remount,rw ${root}`);
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
    const path = await bundle('a', lasting);
    expectDone(await oci(['run', '--detach', '--bundle', path, '--pid-file', '/tmp/pid', 'a']));
    await outer.sh(`rm -r ${STATE_ROOT}/a`);
    expectTold(await oci(['state', 'a']), 'does not exist');
    expectDone(await oci(['delete', '--force', 'a']));
    expectTold(await oci(['create', '--bundle', path, 'a']), 'is not empty');
    await outer.sh('kill -9 $(cat /tmp/pid); sleep 0.2; find /sys/fs/cgroup/*/vlab -depth -name a -exec rmdir {} +');
  });

  it('that is removed while a container is created or waits is told', async () => {
    const path = await bundle('a', lasting);
    expectDone(await oci(['create', '--bundle', path, '--pid-file', '/tmp/pid', 'a']));
    await outer.sh(`rm -r ${STATE_ROOT}/a`);
    expectTold(await oci(['start', 'a']), 'does not exist');
    await outer.sh('kill -9 $(cat /tmp/pid); sleep 0.2; find /sys/fs/cgroup/*/vlab -depth -name a -exec rmdir {} +');
  });

  it('in which somebody has written is told to be broken, and can be removed', async () => {
    const path = await bundle('a', lasting);
    expectDone(await oci(['run', '--detach', '--bundle', path, '--pid-file', '/tmp/pid', 'a']));
    expectDone(await oci(['run', '--detach', '--bundle', await bundle('b', lasting), 'b']));
    await outer.sh(`rm ${STATE_ROOT}/b/lock`);
    expectTold(await oci(['pause', 'b']), 'the lock');
    expectDone(await oci(['delete', '--force', 'b']));
    await outer.sh(`echo '{"version":' > ${STATE_ROOT}/a/state.json`);
    expectTold(await oci(['state', 'a']), 'cannot be read', 'delete --force');
    expect((await oci(['list', '--quiet'])).code).toBe(0);
    expectDone(await oci(['delete', '--force', 'a']));
    await outer.sh('kill -9 $(cat /tmp/pid); sleep 0.2; find /sys/fs/cgroup/*/vlab -depth -name a -exec rmdir {} +');
  });
});

describe('a root file system', () => {
  const hostile = `
    mkdir -p /bundles/hostile/rootfs; cd /bundles/hostile/rootfs; cp /bundles/rootfs/probe .
    ln -sfn /etc proc; ln -sfn ../../../../.. dev; ln -sfn sys2 sys; ln -sfn sys sys2; ln -sfn / tmp`;

  it('full of links never leads out of itself', async () => {
    await outer.sh(hostile);
    const marks = () => outer.sh('ls -a /etc /bundles / /dev | md5sum; cat /proc/self/mountinfo | wc -l');
    const was = (await marks()).stdout;
    const wish = { root: 'rootfs', more: { root: { path: 'rootfs' } } };
    const path = await bundle('hostile', wish);
    for (const runtime of [NATIVE, COLD]) {
      const ran = await oci(['run', '--bundle', path, 'hostile'], { runtime });
      expect(ran.late).toBe(false);
      if (ran.code !== 0) expectTold(ran, /config\.json: |could not /);
      expect((await marks()).stdout).toBe(was);
    }
    // With places for what is mounted, the same bundle runs.
    await outer.sh('cd /bundles/hostile/rootfs; rm proc dev sys sys2 tmp; mkdir proc dev sys tmp');
    expectDone(await oci(['run', '--bundle', path, 'hostile']));
  });

  it('has names that are no text', async () => {
    await outer.sh(`mkdir -p /bundles/bytes/rootfs/proc /bundles/bytes/rootfs/dev; cd /bundles/bytes/rootfs
      cp /bundles/rootfs/probe .; mkdir "$(printf 'a\\377\\376b')"; : > "$(printf '\\200')"; ln -s "$(printf '\\377')" link`);
    expectDone(await oci(['run', '--bundle', await bundle('bytes', { root: 'rootfs' }), 'bytes']));
    const path = await bundle('bytes', { root: 'rootfs', args: ['/link'] });
    expectTold(await oci(['run', '--bundle', path, 'bytes']), 'exec: "/link"');
  });

  it.each([
    ['a file', ': > root', 'root'],
    ['not there', 'true', 'root'],
    ['a link to nothing', 'ln -sfn nothing root', 'root'],
    ['a link to itself', 'ln -sfn root root', 'root'],
    ['a device', 'mknod root c 1 3', 'root'],
    ['above a file', ': > root', 'root/below'],
    ['too long a path', 'true', `/${'a/'.repeat(2100)}`],
    ['too long a name', 'true', 'a'.repeat(300)],
  ])('that is %s is told', async (_, script, root) => {
    const path = await bundle('none', { root });
    await outer.sh(`cd ${path}; rm -rf root; ${script}`);
    expectTold(await oci(['run', '--bundle', path, 'none']), /config\.json: root\.path|could not .*root file system/s);
  });

  it('may be a link to a directory, and lie deep', async () => {
    const path = await bundle('link', { root: 'root' });
    await outer.sh(`ln -sfn /bundles/rootfs ${path}/root`);
    expectDone(await oci(['run', '--bundle', path, 'link']));
    const deep = `/bundles/deep/${`${'d'.repeat(200)}/`.repeat(15)}`;
    await outer.sh(
      `mkdir -p ${deep}/rootfs/proc ${deep}/rootfs/dev; cp /bundles/rootfs/probe ${deep}/rootfs; cat > ${deep}/config.json`,
      {
        stdin: JSON.stringify(smallConfig({ root: 'rootfs' })),
      },
    );
    for (const runtime of [NATIVE, COLD]) expectDone(await oci(['run', '--bundle', deep, 'deep'], { runtime }));
  });
});

describe('a bundle', () => {
  it.each(WAYS)('whose path is no text, or too long, is told (%s)', async (_, runtime) => {
    await outer.sh(
      `mkdir -p "$(printf '/bundles/\\377')"; cp /bundles/*/config.json "$(printf '/bundles/\\377')/" 2>/dev/null; true`,
    );
    const words = [...runtime, '--root', STATE_ROOT].join(' ');
    expectTold(await outer.sh(`cd "$(printf '/bundles/\\377')"; exec ${words} run bytes`), /config\.json/);
    expectTold(await outer.sh(`exec ${words} run --bundle "$(printf '/bundles/\\377')" bytes`), 'not UTF-8');
    expectTold(await oci(['run', '--bundle', `/bundles/${'a/'.repeat(2100)}`, 'long'], { runtime }), 'ENAMETOOLONG');
  });

  it.each([
    ['a FIFO', 'mkfifo config.json'],
    ['a directory', 'mkdir config.json'],
    ['a device without an end', 'ln -s /dev/zero config.json'],
    ['a link to itself', 'ln -s config.json config.json'],
    ['empty', ': > config.json'],
    ['of bytes that are no text', "printf '\\377\\376{}' > config.json"],
    ['not there', 'true'],
  ])('whose config.json is %s is told', async (_, script) => {
    await outer.sh(`rm -rf /bundles/odd; mkdir /bundles/odd; cd /bundles/odd; ${script}`);
    expectTold(await oci(['run', '--bundle', '/bundles/odd', 'odd']), 'config.json');
  });

  it.each(WAYS)('may have a config.json of 10 MiB (%s)', async (_, runtime) => {
    const annotations = Object.fromEntries(
      Array.from({ length: 1000 }, (_, at) => [`org.example.${at}`, 'x'.repeat(10_000)]),
    );
    const path = await bundle('large', { more: { annotations } });
    expectDone(await oci(['run', '--bundle', path, 'large'], { runtime }));
    // The hooks read all of it, or nothing.
    const hooks = { createRuntime: [{ path: '/bin/true' }], createContainer: [{ path: '/bin/cat' }] };
    const hooked = await bundle('large', { more: { annotations: { a: 'é'.repeat(50_000) }, hooks } });
    expectDone(await oci(['create', '--bundle', hooked, 'large'], { runtime }));
    const { stdout } = await oci(['state', 'large'], { runtime });
    expect((JSON.parse(stdout) as { annotations: { a: string } }).annotations.a).toHaveLength(50_000);
    expectDone(await oci(['delete', '--force', 'large'], { runtime }));
  });
});

describe('a caller', () => {
  it.each(WAYS)(
    'without an environment, standard descriptors or a run-time directory is served (%s)',
    async (_, runtime) => {
      const path = await bundle('bare');
      const words = [...runtime, '--root', STATE_ROOT, 'run', '--bundle', path, 'bare'].join(' ');
      expectDone(await outer.sh(`exec env -i ${words}`));
      expect((await outer.sh(`exec ${words} <&- >&- 2>&-`)).code).toBe(0);
      expect((await outer.sh(`exec ${words} <&- >&-`)).code).toBe(0);
      const fds = await bundle('bare', { args: ['/probe', 'fds'] });
      expect(await oci(['run', '--bundle', fds, 'bare'], { runtime })).toMatchObject({ code: 0, stdout: 'none\n' });
    },
  );

  it('who is not root, and has no run-time directory, is answered', async () => {
    const words = [...COLD, 'state', 'nobody'].join(' ');
    expectTold(
      await outer.sh(`exec setpriv --reuid 1000 --regid 1000 --clear-groups env -i ${words}`),
      'does not exist',
    );
  });

  it.each(WAYS)('who passes more descriptors than there are is told (%s)', async (_, runtime) => {
    const path = await bundle('fds', { args: ['/probe', 'fds'] });
    const words = (count: string) =>
      [...runtime, '--root', STATE_ROOT, 'run', '--preserve-fds', count, '--bundle', path, 'fds'].join(' ');
    expectTold(await outer.sh(`exec ${words('2')} 3</dev/null`), 'descriptor 4');
    expectTold(await outer.sh(`exec ${words('1000000000')}`), 'descriptor 3');
    expect((await outer.sh(`exec ${words('2')} 3</dev/null 4</dev/null`)).stdout).toBe('3 4 open\n');
  });

  it.each([10, 16, 24, 40, 64, 100])('who may open %i files is served or told', async (limit) => {
    const path = await bundle('few', { hooks: { createContainer: [{ path: '/bin/true', timeout: 5 } as never] } });
    for (const runtime of [NATIVE, ...(limit < 40 ? [] : [COLD])]) {
      const words = [...runtime, '--root', STATE_ROOT, 'run', '--bundle', path, 'few'].join(' ');
      const ran = await outer.sh(`ulimit -n ${limit}; exec ${words}`);
      expect(ran.late).toBe(false);
      if (ran.code !== 0) expectTold(ran, /EMFILE|EBADF|EINVAL|many open files/);
      if (limit >= 100) expectDone(ran);
    }
  });

  it('who asks for a pid file that cannot be written is told', async () => {
    const path = await bundle('pid', lasting);
    for (const file of ['/nowhere/pid', '/dev/null/pid', '/usr/pid', `/tmp/${'p'.repeat(300)}`]) {
      for (const verb of [['create'], ['run', '--detach']])
        expectTold(await oci([...verb, '--bundle', path, '--pid-file', file, 'pid']), '--pid-file');
    }
    expectDone(await oci(['run', '--detach', '--bundle', path, 'pid']));
    expectTold(await oci(['exec', '--detach', '--pid-file', '/nowhere/pid', 'pid', '/probe', 'trap']), '--pid-file');
    expect((await oci(['ps', '--format', 'json', 'pid'])).stdout).toMatch(/^\[\d+\]\n$/);
    expectDone(await oci(['delete', '--force', 'pid']));
  });

  it('who has thousands of words and variables is served, and told where the kernel takes no more', async () => {
    const words = Array.from({ length: 5000 }, (_, at) => `word${at}`);
    const many = await bundle('many', { args: ['/probe', 'true', ...words], more: {} });
    for (const runtime of [NATIVE, COLD]) expectDone(await oci(['run', '--bundle', many, 'many'], { runtime }));
    const path = await bundle('many', lasting);
    expectDone(await oci(['run', '--detach', '--bundle', path, 'many']));
    expectDone(await oci(['exec', 'many', '/probe', 'true', ...words]));
    expectDone(
      await oci(['exec', 'many', '/probe', 'true', ...Array.from({ length: 30_000 }, (_, at) => `word${at}`)]),
    );
    const one = 'x'.repeat(130_000);
    expectDone(await oci(['exec', '--env', `A=${one}`, 'many', '/probe', 'true']));
    expectDone(await oci(['delete', '--force', 'many']));
    const tooMany = await bundle('many', { args: ['/probe', 'true', 'x'.repeat(200_000)] });
    expectTold(await oci(['run', '--bundle', tooMany, 'many']), 'argument list too long');
    expectDone(await oci(['create', '--bundle', tooMany, 'many']));
    expectTold(await oci(['start', 'many']), 'argument list too long');
    expectDone(await oci(['delete', 'many']));
    const far = await bundle('many', { args: ['/probe', 'true', ...Array.from({ length: 100_000 }, () => 'x')] });
    expectTold(await oci(['run', '--bundle', far, 'many']), 'process.args', 'too large');
  });

  it('who takes a terminal but does not listen is told, or waited for until the command is ended', async () => {
    const path = await bundle('tty', { ...lasting, terminal: true });
    const create = ['create', '--bundle', path, '--console-socket', '/tmp/console.sock', 'tty'];
    expectTold(await oci(create), 'console', 'ENOENT');
    const listen = (backlog: number) => `
      const { execFileSync, spawn } = require('child_process'); const net = require('net');
      const server = net.createServer().listen({ path: '/tmp/console.sock', backlog: ${backlog} }, () => console.log('ready'));
      server.on('connection', (s) => s.pause()); setTimeout(() => process.exit(), 6000);`;
    // Who accepts but reads nothing: the terminal waits in the socket.
    await outer.sh(
      `node -e "${listen(10).replace(/"/g, '\\"')}" > /tmp/ready 2>&1 & until grep -q ready /tmp/ready; do sleep 0.02; done`,
    );
    expectDone(await oci(create));
    expectDone(await oci(['delete', '--force', 'tty']));
    // Who has gone: the socket is there, and nobody behind it.
    await outer.sh('pkill -KILL -f console.sock; sleep 0.1');
    expectTold(await oci(create), 'console', 'ECONNREFUSED');
    await outer.sh('rm /tmp/console.sock');
  });
});
