// What is wrong with a profile, by its JSON path; and what is left out with a warning. No library is asked.
import { describe, expect, it } from 'vitest';
import type { OciSeccomp } from '../../../../src/container/config/schema.js';
import { notifies, wantedOf } from '../../../../src/container/seccomp/profile.js';
import { compileProfile } from '../../../../src/container/seccomp/seccomp-filter.js';

const wanted = (profile: Partial<OciSeccomp>) => wantedOf({ defaultAction: 'SCMP_ACT_ALLOW', ...profile });
const deny = (names: string[], more: object = {}) => ({ names, action: 'SCMP_ACT_ERRNO' as const, ...more });
/** One instruction that allows everything. */
const PROGRAM = Buffer.from([6, 0, 0, 0, 0, 0, 0xff, 0x7f]).toString('base64');

describe('a profile', () => {
  it('leaves out calls that the library does not know, and says so once', async () => {
    const syscalls = [deny(['mkdir', 'io_uring_setup']), deny(['io_uring_setup', 'io_uring_setup'])];
    const ask = async () => ({ program: PROGRAM, unknownCalls: ['io_uring_setup'], greatest: {} });
    const { warnings } = await compileProfile({ defaultAction: 'SCMP_ACT_ALLOW', syscalls }, ask);
    expect(warnings).toEqual([
      'linux.seccomp.syscalls[0].names: this libseccomp does not know the system call io_uring_setup',
    ]);
  });

  it('asks for each rule once, however often it is there', () => {
    const test = { index: 0, value: 1, op: 'SCMP_CMP_EQ' as const };
    const syscalls = [deny(['mkdir', 'mkdir']), deny(['mkdir'], { args: [test, test] }), deny(['mkdir'])];
    const { request, rulesFrom } = wanted({ syscalls });
    expect(request.rules.map(({ tests }) => tests)).toEqual([[], [[0, 4, '1', '0']]]);
    expect(rulesFrom).toEqual(['linux.seccomp.syscalls[0]', 'linux.seccomp.syscalls[1]']);
  });

  it('leaves out rules that say what is so anyway', () => {
    const allow = { names: ['read'], action: 'SCMP_ACT_ALLOW' as const };
    expect(wanted({ syscalls: [allow, deny(['mkdir'])] }).request.rules).toHaveLength(1);
    const [same, other] = [deny(['read']), deny(['mkdir'], { errnoRet: 38 })];
    const { rules } = wanted({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [same, other] }).request;
    expect(rules).toMatchObject([{ name: 'mkdir' }]);
  });

  it.each([
    [{ errno: 0, part: 'architectures', place: 1 }, 'linux.seccomp.architectures[1] is SCMP_ARCH_S390X, which this'],
    [
      { errno: 33, part: 'architectures', place: 0 },
      'linux.seccomp.architectures[0] is refused by libseccomp: errno 33',
    ],
    [{ errno: 22, part: 'rules', place: 2 }, 'linux.seccomp.syscalls[1] is refused by libseccomp: errno 22'],
    [{ errno: 0, part: 'defaultAction' }, 'linux.seccomp.defaultAction is refused by libseccomp'],
    [{ errno: 12, part: 'program' }, 'linux.seccomp is refused by libseccomp: errno 12'],
  ] as const)('that the library refuses is told by its path: %j', async (refused, message) => {
    const syscalls = [deny(['mkdir', 'rmdir']), deny(['read'])];
    const architectures = ['SCMP_ARCH_X86', 'SCMP_ARCH_S390X'];
    const profile: OciSeccomp = { defaultAction: 'SCMP_ACT_ALLOW', architectures, syscalls };
    await expect(compileProfile(profile, async () => ({ refused }))).rejects.toThrow(message);
  });

  it('that the library finds no end with is told, too', async () => {
    const endless = compileProfile({ defaultAction: 'SCMP_ACT_ALLOW' }, async () => 'endless');
    await expect(endless).rejects.toThrow('linux.seccomp is nothing that libseccomp comes to an end with');
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
