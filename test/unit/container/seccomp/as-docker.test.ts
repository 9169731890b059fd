// vlab's default profile of system calls decides as docker's does, but for what docs/security.md lists.
import { describe, expect, it } from 'vitest';
import { CAPABILITIES, DEFAULT_CAPABILITIES } from '../../../../src/container/config/capabilities.js';
import { defaultSeccomp } from '../../../../src/container/config/default-seccomp.js';
import type { OciSeccomp } from '../../../../src/container/config/schema.js';
import { decodeProgram } from '../../../../src/container/seccomp/classic-bpf.js';
import { compileProfile } from '../../../../src/container/seccomp/seccomp-filter.js';
import type { Arch } from '../../../../src/sys/abi.js';
import { needs } from '../../../skips.js';
import { listedDifferences } from '../../security-document.js';
import { askHere, isInstalled } from './ask-here.js';
import { AUDIT, decide } from './bpf-machine.js';
import { dockerProfile } from './docker-profile.js';

type Rule = NonNullable<OciSeccomp['syscalls']>[number];
type Test = NonNullable<Rule['args']>[number];

const word = (value: number | bigint | undefined) => BigInt.asUintN(64, BigInt(value ?? 0));

function holds({ op, value, valueTwo }: Test, argument: bigint): boolean {
  if (op === 'SCMP_CMP_EQ') return argument === word(value);
  if (op === 'SCMP_CMP_LT') return argument < word(value);
  if (op === 'SCMP_CMP_MASKED_EQ') return (argument & word(value)) === word(valueTwo);
  throw new Error(`${op} is in neither profile`);
}

type Answers = (call: string, first: bigint) => string;

/** What a profile says to a call with that first argument, the only one that either of them looks at. */
function answersOf({ defaultAction, defaultErrnoRet = 1, syscalls = [] }: OciSeccomp): Answers {
  const byCall = new Map<string, Rule[]>();
  for (const rule of syscalls) for (const name of rule.names) byCall.set(name, [...(byCall.get(name) ?? []), rule]);
  return (call, first) => {
    const rules = (byCall.get(call) ?? []).filter(({ args = [] }) => args.every((one) => holds(one, first)));
    const answers = rules.map(({ action, errnoRet }) => (errnoRet === undefined ? action : `${action} ${errnoRet}`));
    if (new Set(answers).size > 1) throw new Error(`${call} is both ${answers.join(' and ')}`);
    return answers[0] ?? `${defaultAction} ${defaultErrnoRet}`;
  };
}

/** On both sides of every value that a rule compares with, each bit of masks by itself, and above 32 bits. */
function firstArguments(...profiles: OciSeccomp[]): bigint[] {
  const values = new Set([0n, 1n << 32n, (1n << 64n) - 1n]);
  for (const { args = [] } of profiles.flatMap(({ syscalls = [] }) => syscalls)) {
    for (const { op, value, index } of args) {
      expect(index).toBe(0);
      const near = [-1n, 0n, 1n, 1n << 32n].map((more) => word(value) + more);
      const bits = Array.from({ length: 64 }, (_, bit) => word(value) & (1n << BigInt(bit)));
      for (const one of op === 'SCMP_CMP_MASKED_EQ' ? [...bits, word(~BigInt(value))] : near)
        values.add(BigInt.asUintN(64, one));
    }
  }
  return [...values];
}

const namesOf = ({ syscalls = [] }: OciSeccomp) => syscalls.flatMap(({ names }) => names);

const SETS: [string, readonly string[]][] = [
  ['the default capabilities', DEFAULT_CAPABILITIES],
  ['none', []],
  ['all', CAPABILITIES],
  ...CAPABILITIES.map((name): [string, string[]] => [name, [...DEFAULT_CAPABILITIES, name]]),
];

/** Of calls, and of those that only arm has (asm/unistd.h, __ARM_NR_BASE). */
const NUMBERS = Array.from({ length: 486 }, (_, number) => (number < 480 ? number : 0x0f0000 + number - 480));

describe.each(['x86_64', 'aarch64'] as Arch[])('on %s', (arch) => {
  const listed = listedDifferences('System calls');

  it.each(SETS)("each call is decided as by docker's profile, with %s", (_, capabilities) => {
    const [ours, dockers] = [defaultSeccomp(arch, capabilities), dockerProfile(arch, capabilities)];
    const values = firstArguments(ours, dockers);
    const calls = [...new Set([...namesOf(ours), ...namesOf(dockers), 'a call that nobody knows'])];
    const [we, they] = [answersOf(ours), answersOf(dockers)];
    const different = calls.filter((call) => values.some((one) => we(call, one) !== they(call, one)));
    expect(different).toEqual(listed.filter((name) => /^[a-z]/.test(name)));
  });

  it('the same architectures are filtered', () => {
    const ours = defaultSeccomp(arch, DEFAULT_CAPABILITIES).architectures ?? [];
    const dockers = dockerProfile(arch, DEFAULT_CAPABILITIES).architectures ?? [];
    expect(ours.filter((name) => !dockers.includes(name))).toEqual([]);
    const missing = arch === 'x86_64' ? listed.filter((name) => name.startsWith('SCMP_ARCH')) : [];
    expect(dockers.filter((name) => !ours.includes(name))).toEqual(missing);
  });

  it('the filters that libseccomp makes of both decide alike', async (context) => {
    needs(context, 'libseccomp', isInstalled);
    const profiles = [defaultSeccomp(arch, DEFAULT_CAPABILITIES), dockerProfile(arch, DEFAULT_CAPABILITIES)];
    const programs = await Promise.all(
      profiles.map(async (profile) => decodeProgram((await compileProfile(profile, askHere)).program)),
    );
    const architectures = arch === 'x86_64' ? [AUDIT.x86_64, AUDIT.x86] : [AUDIT.aarch64, AUDIT.arm];
    const values = firstArguments(...profiles);
    const [ours = [], dockers = []] = programs;
    for (const architecture of architectures) {
      for (const number of NUMBERS) {
        for (const first of values) {
          const question = { architecture, number, args: [first] };
          const answers = [decide(ours, question), decide(dockers, question)];
          if (answers[0] !== answers[1]) expect([number, first, ...answers]).toEqual('the same');
        }
      }
    }
  });
});
