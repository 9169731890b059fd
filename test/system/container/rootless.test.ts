// A container for somebody who is not root: in a user namespace, with no cgroup. As root it runs as another user, with a
// cache and a run directory of that user's own; otherwise as whoever runs it. Needs user namespaces and dist/ (npm test builds it).
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readCgroupLayout } from '../../../src/host/cgroup-layout.js';
import { isRoot, needs } from '../../skips.js';
import { runs, until } from '../sys/own-launcher.js';
import { expectNothingNew, ownRootfs, type RunOptions, removeRootfs, startRun } from './vlab-run.js';

const NOBODY = 65534;
const wrapper = isRoot ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : [];
const [command = 'unshare', ...args] = [...wrapper, 'unshare', '-Urmpf', 'true'];
const allowed = spawnSync(command, args).status === 0;

let home: string;
let rootfs: string;
let leftovers: () => Promise<void>;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'vlab-nobody-'));
  mkdirSync(join(home, 'run'));
  rootfs = await ownRootfs();
  if (isRoot)
    for (const path of [home, join(home, 'run'), rootfs, join(rootfs, 'tmp')]) chownSync(path, NOBODY, NOBODY);
  chmodSync(join(home, 'run'), 0o700);
  leftovers = expectNothingNew(rootfs);
});
beforeEach((context) => needs(context, 'user namespaces', allowed));
afterEach(() => leftovers());
afterAll(() => {
  rmSync(home, { recursive: true });
  removeRootfs(rootfs);
});

const start = (words: string[], more: RunOptions = {}) =>
  startRun(['--rootfs', rootfs, ...words], {
    ...more,
    wrapper,
    env: {
      VLAB_RUN_DIR: join(home, 'run'),
      VLAB_CACHE_DIR: join(home, 'cache'),
      HOME: home,
      XDG_RUNTIME_DIR: undefined,
    },
  });
const probe = async (...words: string[]) => (await start(['/probe', ...words]).finished).stdout.trimEnd();

describe('without root', () => {
  it('the program runs, and its exit code, input and output pass through', async () => {
    expect(await start(['/probe', 'hello']).finished).toEqual({ code: 0, stdout: 'hello\n', stderr: '' });
    expect((await start(['/probe', 'exit', '42']).finished).code).toBe(42);
    expect((await start(['/missing']).finished).code).toBe(127);
    expect((await start(['/probe', 'stdin'], { input: 'by hand' }).finished).stdout).toBe('by hand');
  });

  it('it is root to itself, and alone', async () => {
    expect(await probe('ids')).toBe('1 0 0 0');
    const own = isRoot ? NOBODY : process.getuid?.();
    expect((await probe('cat', '/proc/self/uid_map')).split(/\s+/).filter(Boolean)).toEqual(['0', String(own), '1']);
    expect(await probe('cat', '/proc/self/setgroups')).toBe('deny');
  });

  it('host name, loopback and descriptors are as with root', async () => {
    expect((await start(['--hostname', 'box', '/probe', 'hostname']).finished).stdout).toBe('box\n');
    expect(await probe('loopback')).toBe('up');
    expect(await probe('fds')).toBe('none');
  });

  it("devices are the host's own, bound", async () => {
    for (const name of ['null', 'zero', 'full', 'random', 'urandom']) {
      expect(await probe('open', `/dev/${name}`, 'w')).toBe(`/dev/${name}: ok`);
    }
    expect(await probe('mknod-open', '/tmp/node', 'c', '1', '1')).toBe('mknod: Operation not permitted');
  });

  it('masked paths are masked, and nothing can be mounted', async () => {
    expect(await probe('cat', '/proc/keys')).toBe('');
    expect(await probe('open', '/proc/sys/kernel/hostname', 'w')).toMatch(/Read-only|Permission denied/);
    expect(await probe('cat', '/proc/self/mountinfo')).toMatch(/ \/sys \/proc\/sys ro,/);
    expect(await probe('mount', '/tmp')).toBe('mount: Operation not permitted');
  });

  it('a read-only root is read-only', async () => {
    expect((await start(['--read-only', '/probe', 'make', '/tmp/x']).finished).stdout).toMatch(/Read-only file system/);
  });

  it('SIGTERM is passed on, and SIGKILL of vlab kills it', async () => {
    const trapped = start(['/probe', 'trap']);
    await trapped.says('ready');
    trapped.child.kill('SIGTERM');
    expect((await trapped.finished).stdout).toBe('ready\nsignal 15\n');

    const killed = start(['/probe', 'sleep', '60']);
    await killed.says('ready');
    const first = killed.firstProcess();
    expect(runs(first)).toBe(true);
    killed.child.kill('SIGKILL');
    await killed.finished;
    await until(() => !runs(first), 'the container has ended');
  });

  it('a limit that only root can set is refused by name, with what to do', async (context) => {
    needs(context, 'cgroup v1', readCgroupLayout().controllers.memory?.version === 1);
    const { code, stderr } = await start(['--memory', '64m', '/probe', 'true']).finished;
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/linux.resources.memory.limit needs the memory controller.*\nhint: run it as root/);
  });
});
