// Profiles as the kernel would judge by them: compiled by libseccomp, shortened, and asked about system calls one by one. No
// root and no kernel is needed for that; libseccomp is.
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_CAPABILITIES } from '../../../../src/container/config/capabilities.js';
import { defaultSeccomp } from '../../../../src/container/config/default-seccomp.js';
import type { OciSeccomp, SECCOMP_OPERATORS } from '../../../../src/container/config/schema.js';
import { decodeProgram, type Instruction } from '../../../../src/container/seccomp/classic-bpf.js';
import type { LibraryAnswer } from '../../../../src/container/seccomp/libseccomp.js';
import { wantedOf } from '../../../../src/container/seccomp/profile.js';
import { compileProfile } from '../../../../src/container/seccomp/seccomp-filter.js';
import { shortenFilter } from '../../../../src/container/seccomp/shorten-filter.js';
import { hostArch } from '../../../../src/sys/abi.js';
import { needs } from '../../../skips.js';
import { askHere, isInstalled } from './ask-here.js';
import { AUDIT, decide } from './bpf-machine.js';

beforeEach((context) => needs(context, 'libseccomp', isInstalled));

const filter = async (profile: OciSeccomp) => decodeProgram((await compileProfile(profile, askHere)).program);
const ALLOW = 0x7fff0000;
const errno = (number: number) => 0x00050000 | number;
const [EPERM, ENOSYS] = [errno(1), errno(38)];

/** What libseccomp itself makes of it. */
async function listed(profile: OciSeccomp): Promise<Instruction[]> {
  const { program } = (await askHere(wantedOf(profile).request)) as LibraryAnswer;
  return decodeProgram(Buffer.from(program, 'base64'));
}

describe.runIf(process.arch === 'x64')('a filter', () => {
  const numbers = { read: 0, write: 1, mkdir: 83, personality: 135, socket: 41, openat2: 437 } as const;
  const ask = (program: Instruction[], call: keyof typeof numbers, ...args: (number | bigint)[]) =>
    decide(program, { architecture: AUDIT.x86_64, number: numbers[call], args: args.map(BigInt) });

  it('allows all but what it names', async () => {
    const program = await filter({
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [
        { names: ['mkdir'], action: 'SCMP_ACT_ERRNO' },
        { names: ['openat2'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 },
        { names: ['write', 'socket'], action: 'SCMP_ACT_KILL_PROCESS' },
      ],
    });
    expect(ask(program, 'read')).toBe(ALLOW);
    expect(ask(program, 'mkdir')).toBe(EPERM);
    expect(ask(program, 'openat2')).toBe(ENOSYS);
    expect([ask(program, 'write'), ask(program, 'socket')]).toEqual([0x80000000, 0x80000000]);
  });

  it.each([
    ['SCMP_ACT_KILL', 0],
    ['SCMP_ACT_KILL_THREAD', 0],
    ['SCMP_ACT_KILL_PROCESS', 0x80000000],
    ['SCMP_ACT_TRAP', 0x00030000],
    ['SCMP_ACT_ERRNO', EPERM],
    ['SCMP_ACT_TRACE', 0x7ff00001],
    ['SCMP_ACT_LOG', 0x7ffc0000],
    ['SCMP_ACT_NOTIFY', 0x7fc00000],
  ] as const)('%s', async (action, expected) => {
    const program = await filter({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir'], action }] });
    expect([ask(program, 'mkdir'), ask(program, 'read')]).toEqual([expected, ALLOW]);
    if (action !== 'SCMP_ACT_NOTIFY') {
      const inverse = await filter({
        defaultAction: action,
        syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ALLOW' }],
      });
      expect([ask(inverse, 'mkdir'), ask(inverse, 'read')]).toEqual([ALLOW, expected]);
    }
  });

  it('compares all 64 bits of an argument', async () => {
    const program = await filter({
      defaultAction: 'SCMP_ACT_ERRNO',
      syscalls: [
        {
          names: ['personality'],
          action: 'SCMP_ACT_ALLOW',
          args: [{ index: 0, value: 0xffffffffffffffffn, op: 'SCMP_CMP_EQ' }],
        },
        { names: ['mkdir'], action: 'SCMP_ACT_ALLOW', args: [{ index: 1, value: -2, op: 'SCMP_CMP_GE' }] },
      ],
    });
    expect(ask(program, 'personality', 0xffffffffffffffffn)).toBe(ALLOW);
    expect(ask(program, 'personality', 0xffffffffn)).toBe(EPERM);
    expect(ask(program, 'mkdir', 0, -2)).toBe(ALLOW);
    expect(ask(program, 'mkdir', 0, 0xfffffffd)).toBe(EPERM);
  });

  it('takes several tests of one argument as alternatives, and of different ones together', async () => {
    const program = await filter({
      defaultAction: 'SCMP_ACT_ERRNO',
      syscalls: [
        {
          names: ['socket'],
          action: 'SCMP_ACT_ALLOW',
          args: [
            { index: 0, value: 1, op: 'SCMP_CMP_EQ' },
            { index: 0, value: 2, op: 'SCMP_CMP_EQ' },
          ],
        },
        {
          names: ['mkdir'],
          action: 'SCMP_ACT_ALLOW',
          args: [
            { index: 0, value: 7, op: 'SCMP_CMP_EQ' },
            { index: 1, value: 0xf0, valueTwo: 0x30, op: 'SCMP_CMP_MASKED_EQ' },
          ],
        },
      ],
    });
    expect([1, 2, 3].map((family) => ask(program, 'socket', family))).toEqual([ALLOW, ALLOW, EPERM]);
    expect([ask(program, 'mkdir', 7, 0x35), ask(program, 'mkdir', 7, 0x45), ask(program, 'mkdir', 8, 0x35)]).toEqual([
      ALLOW,
      EPERM,
      EPERM,
    ]);
  });

  it('judges other architectures by their own numbers, and refuses those that it does not name', async () => {
    const profile = (...names: string[]): OciSeccomp => ({
      defaultAction: 'SCMP_ACT_ERRNO',
      architectures: names.map((name) => `SCMP_ARCH_${name}`),
      syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ALLOW' }],
    });
    const [both, native] = [await filter(profile('X86_64', 'X86')), await filter(profile())];
    const x86 = (program: Instruction[], number: number) => decide(program, { architecture: AUDIT.x86, number });
    expect([x86(both, 39), x86(both, 83)]).toEqual([ALLOW, EPERM]); // 39 is mkdir there
    expect([x86(native, 39), x86(native, 83)]).toEqual([0, 0]);
    expect(decide(both, { architecture: AUDIT.aarch64, number: 34 })).toBe(0);
  });

  it('says ENOSYS to calls younger than libseccomp, where the default is EPERM, and only there', async () => {
    const allow = [{ names: ['read'], action: 'SCMP_ACT_ALLOW' as const }];
    const young = { architecture: AUDIT.x86_64, number: 900 };
    const askYoung = async (profile: OciSeccomp) => decide(await filter(profile), young);
    expect(await askYoung({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: allow })).toBe(ENOSYS);
    expect(await askYoung({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 13, syscalls: allow })).toBe(errno(13));
    expect(await askYoung({ defaultAction: 'SCMP_ACT_KILL_PROCESS', syscalls: allow })).toBe(0x80000000);
    const known = decide(await filter({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: allow }), { ...young, number: 437 });
    expect(known).toBe(EPERM);
  });

  it('says what its profile says (property)', async () => {
    const names = ['read', 'write', 'mkdir', 'personality', 'socket', 'openat2'] as const;
    const small = fc.constantFrom(0n, 1n, 2n, 3n, 0xffffffffn, 1n << 32n, (1n << 32n) + 1n, (1n << 64n) - 1n);
    const operators: (typeof SECCOMP_OPERATORS)[number][] = [
      ...(['SCMP_CMP_NE', 'SCMP_CMP_LT', 'SCMP_CMP_LE', 'SCMP_CMP_EQ', 'SCMP_CMP_GE', 'SCMP_CMP_GT'] as const),
      'SCMP_CMP_MASKED_EQ',
    ];
    const test = fc.record({
      index: fc.integer({ min: 0, max: 5 }),
      value: small,
      valueTwo: small,
      op: fc.constantFrom(...operators),
    });
    // libseccomp decides between rules of one call by itself when their actions differ: each call has one action here.
    const rules = fc.uniqueArray(
      fc.record({
        names: fc.constantFrom(...names).map((name) => [name]),
        action: fc.constantFrom('SCMP_ACT_ALLOW' as const, 'SCMP_ACT_LOG' as const, 'SCMP_ACT_KILL' as const),
        args: fc.uniqueArray(test, { maxLength: 3, selector: ({ index }) => index }),
      }),
      { maxLength: 5, selector: ({ names: [name] }) => name },
    );
    const question = fc.record({
      call: fc.constantFrom(...names),
      args: fc.array(small, { minLength: 6, maxLength: 6 }),
    });
    const actions = { SCMP_ACT_ALLOW: ALLOW, SCMP_ACT_LOG: 0x7ffc0000, SCMP_ACT_KILL: 0 } as const;
    let matched = 0;
    await fc.assert(
      fc.asyncProperty(rules, fc.array(question, { minLength: 5, maxLength: 20 }), async (syscalls, questions) => {
        const program = await filter({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 7, syscalls });
        for (const { call, args } of questions) {
          const rule = syscalls.find(({ names: [name] }) => name === call);
          const holds = rule?.args.every((one) => tests(one, args[one.index] ?? 0n)) ?? false;
          if (holds) matched++;
          const expected = rule && holds ? actions[rule.action] : errno(7);
          expect(ask(program, call, ...args), `${call} ${args}`).toBe(expected);
        }
      }),
      { numRuns: 200 },
    );
    expect(matched).toBeGreaterThan(100);
  });
});

function tests({ op, value, valueTwo }: { op: string; value: bigint; valueTwo: bigint }, argument: bigint): boolean {
  const results: Record<string, boolean> = {
    SCMP_CMP_NE: argument !== value,
    SCMP_CMP_LT: argument < value,
    SCMP_CMP_LE: argument <= value,
    SCMP_CMP_EQ: argument === value,
    SCMP_CMP_GE: argument >= value,
    SCMP_CMP_GT: argument > value,
    SCMP_CMP_MASKED_EQ: (argument & value) === (valueTwo & value),
  };
  return results[op] ?? false;
}

/** Questions on which the two do not agree. */
function differences(one: Instruction[], other: Instruction[], args: bigint[][]): string[] {
  const odd = [0x3fffffff, 0x40000000, 0x40000001, 0x4000000e, 0x400001ff, 0xffffffff];
  const numbers = [...Array.from({ length: 470 }, (_, number) => number), ...odd];
  const found: string[] = [];
  for (const architecture of [...Object.values(AUDIT), 1]) {
    for (const number of numbers) {
      for (const arg of args) {
        const question = { architecture, number, args: arg };
        const [a, b] = [decide(one, question), decide(other, question)];
        if (a !== b) found.push(`${architecture.toString(16)} ${number}(${arg}): ${a}, ${b}`);
      }
    }
  }
  return found;
}

describe('a shortened filter', () => {
  const calls = (
    'read write open close stat fstat lstat poll lseek mmap mprotect munmap brk ioctl pipe select mkdir rmdir creat link ' +
    'unlink symlink chmod chown umask prctl setns bpf clone fork vfork execve exit wait4 kill socket connect openat2'
  ).split(' ');

  it('decides as the one that libseccomp lists (property)', async () => {
    const profile = fc.record({
      defaultAction: fc.constantFrom('SCMP_ACT_ALLOW' as const, 'SCMP_ACT_KILL' as const, 'SCMP_ACT_LOG' as const),
      architectures: fc.subarray(['SCMP_ARCH_X86', 'SCMP_ARCH_X86_64', 'SCMP_ARCH_X32']),
      // Rules of one call that contradict each other are what libseccomp 2.5.4 does not always come to an end with.
      syscalls: fc.uniqueArray(
        fc.record({
          names: fc.constantFrom(...calls).map((name) => [name]),
          action: fc.constantFrom('SCMP_ACT_ERRNO' as const, 'SCMP_ACT_TRAP' as const),
          args: fc.uniqueArray(
            fc.record({
              index: fc.integer({ min: 0, max: 2 }),
              value: fc.integer({ min: 0, max: 3 }),
              op: fc.constantFrom('SCMP_CMP_EQ' as const, 'SCMP_CMP_NE' as const, 'SCMP_CMP_GT' as const),
            }),
            { maxLength: 2, selector: ({ index }) => index },
          ),
        }),
        { maxLength: 30, selector: ({ names: [name] }) => name },
      ),
    });
    await fc.assert(
      fc.asyncProperty(profile, async (asked) => {
        const long = await listed(asked);
        expect(differences(shortenFilter(long), long, [[], [1n, 2n, 3n], [3n, 0n, 1n]])).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it('is far shorter for a profile as they are: docker has some 350 calls in it', async () => {
    const profile = defaultSeccomp(hostArch(), DEFAULT_CAPABILITIES);
    const long = await listed(profile);
    const short = shortenFilter(long);
    expect(differences(short, long, [[], [1n], [16n], [40n], [0x20008n], [0x10000000n]])).toEqual([]);
    expect(short.length).toBeLessThan(long.length / 2);
  });

  it('reaches across more instructions than a comparison can jump', async () => {
    const syscalls = ['mkdirat', 'socket', 'clone', 'openat2'].flatMap((name, which) =>
      Array.from({ length: 120 }, (_, at) => ({
        names: [name],
        action: 'SCMP_ACT_ALLOW' as const,
        args: [{ index: which, value: at * 3 + which, op: 'SCMP_CMP_EQ' as const }],
      })),
    );
    const long = await listed({ defaultAction: 'SCMP_ACT_ERRNO', syscalls });
    const short = shortenFilter(long);
    expect(short.length).toBeGreaterThan(480);
    const answers = [0n, 1n, 300n, 357n, 360n].map((value) => [value, value + 1n, value + 2n, value + 3n]);
    expect(differences(short, long, answers)).toEqual([]);
  });
});
