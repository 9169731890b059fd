// Needs root: callers with little, with too much, or with nonsense.
import { describe, expect, it } from 'vitest';
import { bundle, expectDone, expectTold, LASTING, oci, sh, theOuter, useOuter, WAYS } from './in-outer.js';
import { COLD, NATIVE, STATE_ROOT } from './outer.js';

useOuter();

describe('a caller', () => {
  it.each(WAYS)(
    'without an environment, standard descriptors or a run-time directory is served (%s)',
    async (_, runtime) => {
      const path = await bundle('bare');
      const words = [...runtime, '--root', STATE_ROOT, 'run', '--bundle', path, 'bare'].join(' ');
      expectDone(await sh(`exec env -i ${words}`));
      expect((await sh(`exec ${words} <&- >&- 2>&-`)).code).toBe(0);
      expect((await sh(`exec ${words} <&- >&-`)).code).toBe(0);
      const fds = await bundle('bare', { args: ['/probe', 'fds'] });
      expect(await oci(['run', '--bundle', fds, 'bare'], { runtime })).toMatchObject({ code: 0, stdout: 'none\n' });
    },
  );

  it('who is not root, and has no run-time directory, is answered', async () => {
    const words = [...COLD, 'state', 'nobody'].join(' ');
    expectTold(await sh(`exec setpriv --reuid 1000 --regid 1000 --clear-groups env -i ${words}`), 'does not exist');
  });

  it.each(WAYS)('who passes more descriptors than there are is told (%s)', async (_, runtime) => {
    const path = await bundle('fds', { args: ['/probe', 'fds'] });
    const words = (count: string) =>
      [...runtime, '--root', STATE_ROOT, 'run', '--preserve-fds', count, '--bundle', path, 'fds'].join(' ');
    expectTold(await sh(`exec ${words('2')} 3</dev/null`), 'descriptor 4');
    expectTold(await sh(`exec ${words('1000000000')}`), 'descriptor 3');
    expect((await sh(`exec ${words('2')} 3</dev/null 4</dev/null`)).stdout).toBe('3 4 open\n');
  });

  it.each([10, 16, 24, 40, 64, 100])('who may open %i files is served or told', async (limit) => {
    const path = await bundle('few', { hooks: { createContainer: [{ path: '/bin/true', timeout: 5 } as never] } });
    for (const runtime of [NATIVE, ...(limit < 40 ? [] : [COLD])]) {
      const words = [...runtime, '--root', STATE_ROOT, 'run', '--bundle', path, 'few'].join(' ');
      const ran = await sh(`ulimit -n ${limit}; exec ${words}`);
      expect(ran.late).toBe(false);
      if (ran.code !== 0) expectTold(ran, /EMFILE|EBADF|EINVAL|many open files/);
      if (limit >= 100) expectDone(ran);
    }
  });

  it('who asks for a pid file that cannot be written is told', async () => {
    const path = await bundle('pid', LASTING);
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
    const path = await bundle('many', LASTING);
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
    const path = await bundle('tty', { ...LASTING, terminal: true });
    const create = ['create', '--bundle', path, '--console-socket', '/tmp/console.sock', 'tty'];
    expectTold(await oci(create), 'console', 'ENOENT');
    const listen = (backlog: number) => `
      const { execFileSync, spawn } = require('child_process'); const net = require('net');
      const server = net.createServer().listen({ path: '/tmp/console.sock', backlog: ${backlog} }, () => console.log('ready'));
      server.on('connection', (s) => s.pause()); setTimeout(() => process.exit(), 6000);`;
    // Who accepts but reads nothing: the terminal waits in the socket.
    await sh(
      `node -e "${listen(10).replace(/"/g, '\\"')}" > /tmp/ready 2>&1 & echo $! > /tmp/listener; until grep -q ready /tmp/ready; do sleep 0.02; done`,
    );
    expectDone(await oci(create));
    expectDone(await oci(['delete', '--force', 'tty']));
    // Who has gone: the socket is there, and nobody behind it.
    await sh(
      'read pid < /tmp/listener; kill -KILL $pid; while grep -qs "^State:.[^Z]" /proc/$pid/status; do sleep 0.02; done',
    );
    expectTold(await oci(create), 'console', 'ECONNREFUSED');
    await sh('rm /tmp/console.sock');
  });
});

describe('the planner', () => {
  it.each(WAYS)('says all of a long text, at the pace of its reader (%s)', async (_, runtime) => {
    const annotations = Object.fromEntries(
      Array.from({ length: 400 }, (_, at) => [`org.example.${at}`, 'x'.repeat(50_000)]),
    );
    const path = await bundle('long', { ...LASTING, more: { annotations } });
    expectDone(await oci(['create', '--bundle', path, 'long'], { runtime }));
    const words = [...runtime, '--root', STATE_ROOT, 'state', 'long'].join(' ');
    const { stdout } = await oci(['state', 'long'], { runtime });
    expect(stdout.length).toBeGreaterThan(20_000_000);
    expect(Object.keys((JSON.parse(stdout) as { annotations: object }).annotations)).toHaveLength(400);
    expect((await sh(`${words} | { sleep 0.3; wc -c; }`)).stdout.trim()).toBe(`${stdout.length}`);
    expect((await sh(`${words} | head -c 10`)).stdout).toHaveLength(10); // and nobody minds
    expectDone(await oci(['delete', '--force', 'long'], { runtime }));
  });

  it('outlives whatever is sent to it', async () => {
    const nonsense = `
      const net = require('net'); const path = process.argv[2]; let left = 300;
      const word = (...values) => { const b = Buffer.alloc(values.length * 4); values.forEach((v, i) => b.writeUInt32LE(v >>> 0, i * 4)); return b; };
      const one = () => { if (left <= 0) return; left--;
        const random = Buffer.from(Array.from({ length: Math.floor(Math.random() * 3000) }, () => Math.floor(Math.random() * 256)));
        const bytes = [796, 1500, 800, 262940, 7][left % 5];
        const counts = [[0, 0, 0], [1, 0, 0], [4e9, 4e9, 4e9], [3, 2, 65], [0, 0, 64]][left % 5];
        const head = word(0x49434f56, bytes, ...counts, 18, process.pid);
        const message = [random, head, Buffer.concat([head, random]), Buffer.concat([head, Buffer.alloc(Math.max(0, bytes - 28), 'a\\0')]), Buffer.alloc(0)][left % 7 % 5];
        const s = net.connect(path, () => { s.write(message); setTimeout(() => s.destroy(), left % 3); });
        s.on('error', () => {}); s.on('close', one); };
      for (let i = 0; i < 10; i++) one();`;
    await sh('cat > /tmp/nonsense.cjs', { stdin: nonsense });
    const planner = async () => (await theOuter().run(['pgrep', '-f', 'serve-planner'])).stdout;
    const was = await planner();
    expect(was).toMatch(/^\d+\n$/);
    expectDone(await sh('node /tmp/nonsense.cjs /run/vlab/planner-*/planner.sock'));
    expect(await planner()).toBe(was);
    expectDone(await oci(['run', '--bundle', await bundle('after'), 'after']));
  });
});
