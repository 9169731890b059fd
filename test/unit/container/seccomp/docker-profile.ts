/** docker's default profile of system calls as an OCI profile, from facts that were taken from it (test/fixtures/docker). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OciSeccomp } from '../../../../src/container/config/schema.js';
import type { Arch } from '../../../../src/sys/abi.js';

interface Facts {
  defaultErrno: number;
  architectures: Record<Arch, string[]>;
  always: string[];
  onArchitecture: Record<Arch, string>;
  withCapability: Record<string, string>;
  firstArgument: { socketBelow: number; socketIs: number[]; personalityIs: number[] };
  withoutSysAdmin: { cloneWithoutFlags: number; clone3Errno: number };
}

type Rule = NonNullable<OciSeccomp['syscalls']>[number];

const folder = join(import.meta.dirname, '../../../fixtures/docker');
export const dockerFacts = <T>(name: string): T => JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as T;
export const wordsOf = (text: string) => text.split(/\s+/);

const ALLOW = 'SCMP_ACT_ALLOW';

/** As docker makes it of its own for a container with these capabilities in the bounding set. */
export function dockerProfile(arch: Arch, capabilities: readonly string[]): OciSeccomp {
  const facts = dockerFacts<Facts>('seccomp');
  const { socketBelow, socketIs, personalityIs } = facts.firstArgument;
  const granted = Object.entries(facts.withCapability).filter(([name]) => capabilities.includes(name));
  const allow = (...texts: string[]): Rule => ({ action: ALLOW, names: texts.flatMap(wordsOf) });
  const first = (name: string, op: 'SCMP_CMP_EQ' | 'SCMP_CMP_LT', value: number): Rule => ({
    ...allow(name),
    args: [{ index: 0, value, op }],
  });
  const { cloneWithoutFlags, clone3Errno } = facts.withoutSysAdmin;
  const plainClone: Rule = {
    ...allow('clone'),
    args: [{ index: 0, value: cloneWithoutFlags, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
  };
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: facts.defaultErrno,
    architectures: facts.architectures[arch],
    syscalls: [
      allow(...facts.always, facts.onArchitecture[arch], ...granted.map(([, calls]) => calls)),
      first('socket', 'SCMP_CMP_LT', socketBelow),
      ...socketIs.map((family) => first('socket', 'SCMP_CMP_EQ', family)),
      ...personalityIs.map((value) => first('personality', 'SCMP_CMP_EQ', value)),
      ...(capabilities.includes('CAP_SYS_ADMIN')
        ? []
        : [plainClone, { action: 'SCMP_ACT_ERRNO' as const, errnoRet: clone3Errno, names: ['clone3'] }]),
    ],
  };
}
