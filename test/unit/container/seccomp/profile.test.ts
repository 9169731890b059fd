// What is wrong with a profile, by its JSON path; and what is left out with a warning. No library is asked.
import { describe, expect, it } from 'vitest';
import type { OciSeccomp } from '../../../../src/container/config/schema.js';
import { notifies, wantedOf } from '../../../../src/container/seccomp/profile.js';

/** Knows three calls and two architectures. */
const library = {
  call: (name: string) => ({ read: 0, mkdir: 83, socketcall: -101 })[name] ?? -1,
  architecture: (name: string) => ({ x86: 3, x86_64: 62 })[name] ?? 0,
};
const wanted = (profile: Partial<OciSeccomp>) => wantedOf({ defaultAction: 'SCMP_ACT_ALLOW', ...profile }, library);
const deny = (names: string[], more: object = {}) => ({ names, action: 'SCMP_ACT_ERRNO' as const, ...more });

describe('a profile', () => {
  it('leaves out calls that the library does not know, and says so', () => {
    const { rules, warnings } = wanted({ syscalls: [deny(['mkdir', 'io_uring_setup', 'socketcall'])] });
    expect(rules.map(({ call }) => call)).toEqual([83, -101]);
    expect(warnings).toEqual([
      'linux.seccomp.syscalls[0].names: this libseccomp does not know the system call io_uring_setup',
    ]);
  });

  it('leaves out rules that say what is so anyway', () => {
    const allow = { names: ['read'], action: 'SCMP_ACT_ALLOW' as const };
    expect(wanted({ syscalls: [allow, deny(['mkdir'])] }).rules).toHaveLength(1);
    const [same, other] = [deny(['read']), deny(['mkdir'], { errnoRet: 38 })];
    expect(wanted({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [same, other] }).rules).toMatchObject([{ call: 83 }]);
  });

  it.each([
    [{ syscalls: [deny(['read'], { errnoRet: 4096 })] }, 'linux.seccomp.syscalls[0].errnoRet is above 4095'],
    [
      { syscalls: [{ names: ['read'], action: 'SCMP_ACT_KILL', errnoRet: 1 }] },
      'linux.seccomp.syscalls[0].errnoRet does not go with SCMP_ACT_KILL',
    ],
    [{ defaultErrnoRet: 1 }, 'linux.seccomp.defaultErrnoRet does not go with SCMP_ACT_ALLOW'],
    [{ architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_VAX'] }, 'linux.seccomp.architectures[1] is no architecture'],
    [{ architectures: ['X86_64'] }, 'linux.seccomp.architectures[0] is no architecture'],
    [{ architectures: ['SCMP_ARCH_S390X'] }, 'which this libseccomp does not know'],
  ] as [Partial<OciSeccomp>, string][])('%j is refused', (profile, message) => {
    expect(() => wanted(profile)).toThrow(message);
  });
});

describe('a profile that asks somebody', () => {
  const ask = (names: string[]) => ({ names, action: 'SCMP_ACT_NOTIFY' as const });
  const asks = (profile: Partial<OciSeccomp>) => notifies({ defaultAction: 'SCMP_ACT_ALLOW', ...profile });
  const listenerPath = '/run/agent.sock';

  it('is told from one that does not', () => {
    expect(asks({ syscalls: [deny(['mkdir'])], listenerPath })).toBe(false);
    expect(asks({ syscalls: [ask(['mkdir', 'write', 'execve'])], listenerPath, listenerMetadata: 'x' })).toBe(true);
    const allowed = { names: ['read'], action: 'SCMP_ACT_ALLOW' as const };
    expect(asks({ defaultAction: 'SCMP_ACT_NOTIFY', syscalls: [allowed], listenerPath })).toBe(true);
  });

  it.each([
    [{ syscalls: [ask(['mkdir'])] }, 'linux.seccomp.listenerPath is needed'],
    [{ listenerMetadata: 'x' }, 'linux.seccomp.listenerMetadata needs listenerPath'],
    [{ syscalls: [ask(['mkdir', 'read'])], listenerPath }, 'linux.seccomp.syscalls[0].names may not have read'],
    [
      { defaultAction: 'SCMP_ACT_NOTIFY', listenerPath },
      'linux.seccomp.defaultAction may be SCMP_ACT_NOTIFY only with',
    ],
    [{ flags: ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'] }, 'linux.seccomp.flags[0] needs a system call'],
  ] as [Partial<OciSeccomp>, string][])('%j is refused', (profile, message) => {
    expect(() => asks(profile)).toThrow(message);
  });
});
