// System-call filters as the kernel enforces them: actions, arguments, flags, who is asked. Needs root, libseccomp, a C
// compiler, and dist/ (npm test builds it).
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { OciSeccomp } from '../../../src/container/config/schema.js';
import { askLibrary } from '../../../src/container/seccomp/libseccomp.js';
import { isRoot, needs } from '../../skips.js';
import { until } from '../sys/own-launcher.js';
import { Bundle, type Change, fieldsOf } from './oci-bundle.js';
import { runProbe, withRootfs } from './vlab-run.js';

const installed = await askLibrary({ defaultAction: 0, architectures: [], rules: [] }).then(
  () => true,
  () => false,
);
let bundle: Bundle;
beforeAll(async () => {
  bundle = await Bundle.make();
});
beforeEach((context) => {
  needs(context, 'root', isRoot);
  needs(context, 'libseccomp', installed);
});
afterAll(() => bundle[Symbol.dispose]());

const NUMBERS = process.arch === 'x64' ? { getppid: '110', personality: '135' } : { getppid: '173', personality: '92' };
const seccomp =
  (profile: OciSeccomp, more: Change = () => {}): Change =>
  (config) => {
    config.linux.seccomp = profile;
    more(config);
  };
const on = (names: string[], action: OciSeccomp['defaultAction'], more: object = {}): OciSeccomp => ({
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names, action, ...more }],
});
const call = (name: keyof typeof NUMBERS, change: Change, ...args: string[]) =>
  bundle.run(['call', NUMBERS[name], ...args], change);
const SIGSYS = 31;

describe('a filter', () => {
  it('is there, and privileges cannot be gained around it', async () => {
    const seen = fieldsOf(
      await bundle.output(['cat', '/proc/self/status'], seccomp(on(['getppid'], 'SCMP_ACT_ERRNO'))),
    );
    expect([seen.Seccomp, seen.Seccomp_filters, seen.NoNewPrivs]).toEqual(['2', '1', '1']);
  });

  it('is there without no-new-privileges too, and so are all other properties', async () => {
    const change = seccomp(on(['getppid'], 'SCMP_ACT_ERRNO'), ({ process }) => {
      process.noNewPrivileges = false;
      process.user = { uid: 1000, gid: 1000 };
    });
    const seen = fieldsOf(await bundle.output(['cat', '/proc/self/status'], change));
    expect([seen.Seccomp, seen.NoNewPrivs, seen.CapEff, seen.Uid?.split('\t')[0]]).toEqual([
      '2',
      '0',
      '0'.repeat(16),
      '1000',
    ]);
  });

  it.each([
    ['SCMP_ACT_ERRNO', {}, `${NUMBERS.getppid}: Operation not permitted\n`],
    ['SCMP_ACT_ERRNO', { errnoRet: 38 }, `${NUMBERS.getppid}: Function not implemented\n`],
    ['SCMP_ACT_LOG', {}, `${NUMBERS.getppid}: 0\n`],
    // Nobody traces it: ENOSYS (seccomp(2), SECCOMP_RET_TRACE).
    ['SCMP_ACT_TRACE', {}, `${NUMBERS.getppid}: Function not implemented\n`],
  ] as const)('%s %j', async (action, more, said) => {
    expect((await call('getppid', seccomp(on(['getppid'], action, more)))).stdout).toBe(said);
  });

  it.each(['SCMP_ACT_KILL', 'SCMP_ACT_KILL_THREAD', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_TRAP'] as const)(
    '%s ends it by SIGSYS',
    async (action) => {
      const { code, stdout } = await call('getppid', seccomp(on(['getppid'], action)));
      expect([code, stdout]).toEqual([128 + SIGSYS, '']);
    },
  );

  it('sees arguments, all 64 bits of them', async () => {
    const args = [{ index: 0, value: 0xffffffffffffffffn, op: 'SCMP_CMP_EQ' as const }];
    const change = seccomp(on(['personality'], 'SCMP_ACT_ERRNO', { args, errnoRet: 3 }));
    expect((await call('personality', change, '0xffffffffffffffff')).stdout).toContain('No such process');
    expect((await call('personality', change, '0xffffffff')).stdout).toBe(`${NUMBERS.personality}: 0\n`);
  });

  it('that allows little allows what is behind it: nothing but the program', async () => {
    const names = [
      'execve',
      'exit_group',
      'exit',
      'write',
      'brk',
      'arch_prctl',
      'set_tid_address',
      'set_robust_list',
      'rseq',
    ];
    names.push('prlimit64', 'readlinkat', 'readlink', 'getrandom', 'mprotect', 'fstat', 'newfstatat', 'uname', 'mmap');
    const profile: OciSeccomp = {
      defaultAction: 'SCMP_ACT_KILL_PROCESS',
      syscalls: [{ names, action: 'SCMP_ACT_ALLOW' }],
    };
    expect(await bundle.output(['hello'], seccomp(profile))).toBe('hello');
  });

  it('that forbids to run the program says so', async () => {
    const { code, stderr } = await bundle.run(['hello'], seccomp(on(['execve'], 'SCMP_ACT_ERRNO', { errnoRet: 13 })));
    expect(code).not.toBe(0);
    expect(stderr).toContain('/probe');
  });

  it('takes flags', async () => {
    const flags = ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW', 'SECCOMP_FILTER_FLAG_TSYNC'];
    expect((await call('getppid', seccomp({ ...on(['getppid'], 'SCMP_ACT_ERRNO'), flags }))).stdout).toContain(
      'not permitted',
    );
  });

  it('leaves out calls that nobody knows, and says so', async () => {
    const { code, stderr } = await call('getppid', seccomp(on(['getppid', 'no_such_call'], 'SCMP_ACT_ERRNO')));
    expect(code).toBe(1);
    expect(stderr).toContain('no_such_call');
  });

  it('is that of further programs too', async () => {
    await bundle.running(seccomp(on(['getppid'], 'SCMP_ACT_ERRNO', { errnoRet: 3 })), async ({ id }) => {
      const { stdout } = await bundle.call(['exec', id, '/probe', 'call', NUMBERS.getppid]);
      expect(stdout).toBe(`${NUMBERS.getppid}: No such process\n`);
    });
  });

  it.each([
    [{ ...on(['read'], 'SCMP_ACT_ERRNO'), flags: ['X'] }, 'linux.seccomp.flags[0] is no flag'],
    [{ ...on(['read'], 'SCMP_ACT_ERRNO'), architectures: ['SCMP_ARCH_VAX'] }, 'linux.seccomp.architectures[0]'],
    [{ ...on(['read'], 'SCMP_ACT_ERRNO'), architectures: ['SCMP_ARCH_S390X'] }, 'linux.seccomp.architectures[0]'],
    [on(['read'], 'SCMP_ACT_KILL', { errnoRet: 1 }), 'linux.seccomp.syscalls[0].errnoRet'],
    [on(['mkdir'], 'SCMP_ACT_NOTIFY'), 'linux.seccomp.listenerPath is needed'],
    [{ ...on(['mkdir'], 'SCMP_ACT_NOTIFY'), listenerPath: '/no/such' }, 'linux.seccomp.listenerPath'],
    [on(['read'], 'SCMP_ACT_BOGUS' as 'SCMP_ACT_LOG'), 'linux.seccomp.syscalls[0].action'],
  ])('%# that cannot be is refused by its path', async (profile, message) => {
    expect(await bundle.refusal(seccomp(profile as OciSeccomp))).toContain(message);
  });

  it('that libseccomp finds no end with (2.5.4) is told, or works', async () => {
    const args = (...tests: [number, 'SCMP_CMP_GT' | 'SCMP_CMP_NE', number][]) =>
      tests.map(([index, op, value]) => ({ index, op, value }));
    const change = seccomp({
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [
        { names: ['getppid'], action: 'SCMP_ACT_ERRNO', args: args([1, 'SCMP_CMP_GT', 1], [0, 'SCMP_CMP_NE', 3]) },
        { names: ['getppid'], action: 'SCMP_ACT_TRAP', args: args([0, 'SCMP_CMP_NE', 3], [2, 'SCMP_CMP_GT', 3]) },
      ],
    });
    const { code, stderr, stdout } = await call('getppid', change, '3', '5', '5');
    if (code === 0) expect(stdout).toBe(`${NUMBERS.getppid}: 0\n`);
    else expect(stderr).toContain('linux.seccomp is nothing that libseccomp comes to an end with');
  });
});

describe('somebody who is asked', () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'vlab-agent-'));
    execFileSync('cc', ['-O1', '-o', join(dir, 'agent'), resolve(import.meta.dirname, 'seccomp-agent.c')]);
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  /** An agent at work; its lines, when it has ended. */
  async function agent() {
    const path = join(dir, 'agent.sock');
    rmSync(path, { force: true });
    const child = spawn(join(dir, 'agent'), [path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const ended = new Promise<string[]>((done) => child.on('close', () => done(said.trim().split('\n').slice(1))));
    await until(() => said.includes('listening'), 'the agent listens');
    return { path, ended };
  }

  const asking = (listenerPath: string, names = ['mkdir', 'mkdirat', 'write', 'execve', 'close']): OciSeccomp => ({
    ...on(names, 'SCMP_ACT_NOTIFY'),
    listenerPath,
    listenerMetadata: 'about directories',
  });

  it('gets the listener and who asks, and decides', async () => {
    const { path, ended } = await agent();
    const { stdout } = await bundle.run(['mkdir', '/tmp/made'], seccomp(asking(path)));
    expect(stdout).toBe('mkdir: Invalid cross-device link\n');
    const [state = '{}', descriptors, ...asked] = await ended;
    const told = JSON.parse(state) as { pid: number; state: { pid: number } };
    expect(told).toMatchObject({
      ociVersion: '1.2.0',
      fds: ['seccompFd'],
      metadata: 'about directories',
      state: { ociVersion: '1.2.0', id: `vlab-test-${process.pid}`, status: 'creating', bundle: bundle.dir },
    });
    expect(told.pid).toBe(told.state.pid);
    expect(descriptors).toBe('1 descriptors, and no more');
    expect(asked.length).toBeGreaterThan(2);
  });

  it('is asked by further programs too, each with a listener of its own', async () => {
    const first = await agent();
    await bundle.running(seccomp(asking(first.path, ['mkdir', 'mkdirat'])), async ({ id, pid }) => {
      const second = await agent();
      const { stdout } = await bundle.call(['exec', id, '/probe', 'mkdir', '/tmp/made']);
      expect(stdout).toBe('mkdir: Invalid cross-device link\n');
      const [state = '{}'] = await second.ended;
      const told = JSON.parse(state) as { pid: number };
      expect(told).toMatchObject({ state: { id, status: 'running', pid } });
      expect(told.pid).not.toBe(pid);
    });
    await first.ended;
  });
});

describe('vlab run', () => {
  let rootfs: string;
  withRootfs((made) => {
    rootfs = made;
  });
  const run = async (flags: string[], words: string[]) => (await runProbe(rootfs, flags, words)).stdout.trimEnd();

  it('filters as docker does, unless it is told not to', async () => {
    const UNSHARE = process.arch === 'x64' ? '272' : '97';
    expect(await run([], ['call', UNSHARE, '0x10000000'])).toBe(`${UNSHARE}: Operation not permitted`);
    expect(fieldsOf(await run([], ['cat', '/proc/self/status'])).Seccomp).toBe('2');
    expect(fieldsOf(await run(['--seccomp', 'unconfined'], ['cat', '/proc/self/status'])).Seccomp).toBe('0');
    expect(await run(['--seccomp', 'unconfined'], ['call', UNSHARE, '0x10000000'])).toBe(`${UNSHARE}: 0`);
  });

  it('keeps what it compiled', async () => {
    const cache = mkdtempSync(join(tmpdir(), 'vlab-cache-'));
    try {
      const env = { VLAB_CACHE_DIR: cache };
      expect((await runProbe(rootfs, [], ['hello'], { env })).code).toBe(0);
      const kept = readdirSync(join(cache, 'seccomp'));
      expect(kept).toEqual([expect.stringMatching(/^[0-9a-f]{16}\.json$/)]);
      expect((await runProbe(rootfs, [], ['hello'], { env })).code).toBe(0);
      expect(readdirSync(join(cache, 'seccomp'))).toEqual(kept);
      expect(existsSync(join(cache, 'seccomp', 'export'))).toBe(false);
    } finally {
      rmSync(cache, { recursive: true });
    }
  });
});
