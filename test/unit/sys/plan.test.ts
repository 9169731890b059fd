import { describe, expect, it } from 'vitest';
import type { SyscallName } from '../../../src/sys/abi.js';
import { checkPlan, label, type Plan, PlanBuilder, type Step } from '../../../src/sys/plan.js';

describe('PlanBuilder', () => {
  it('stores equal strings once, aligns what it reserves, and grows', () => {
    const b = new PlanBuilder('x86_64');
    expect(b.str('/a')).toBe(b.str('/a'));
    expect(b.str('/b').offset).toBe(3);
    expect(b.space(4, 'four').offset).toBe(8);
    expect(b.space(1, 'one', 1).offset).toBe(12);
    expect(b.word('word', -1).offset).toBe(16);
    const large = b.data(new Uint8Array(10_000).fill(7), 'large');
    b.step('getpid', [], 'something');
    const plan = b.build();
    expect(plan.data.subarray(large.offset, large.offset + 10_000).every((byte) => byte === 7)).toBe(true);
    expect(plan.data.subarray(16, 24)).toEqual(new Uint8Array(8).fill(255));
    expect(plan.imageBytes % 8).toBe(0);
    expect(plan.imageBytes).toBeGreaterThanOrEqual(plan.data.length);
  });

  it('writes pointers as offsets that are relocated, and ends the array with a null', () => {
    const b = new PlanBuilder('x86_64');
    const argv = b.stringArray(['echo', 'hi', 'echo'], 'argv');
    b.step('getpid', [], 'something');
    const { data, relocations } = b.build();
    const view = new DataView(data.buffer, data.byteOffset);
    const pointers = [0, 1, 2, 3].map((index) => Number(view.getBigUint64(argv.offset + index * 8, true)));
    expect(pointers).toEqual([b.str('echo').offset, b.str('hi').offset, b.str('echo').offset, 0]);
    expect(relocations).toEqual([argv.offset, argv.offset + 8, argv.offset + 16]);
  });

  it('refuses a string with a NUL byte, which the kernel would cut', () => {
    expect(() => new PlanBuilder('x86_64').str('/etc/pass\0wd')).toThrow(/NUL byte/);
  });

  it('refuses a label that is placed twice', () => {
    const b = new PlanBuilder('x86_64');
    const twice = label('twice');
    b.place(twice);
    expect(() => b.place(twice)).toThrow(/placed twice/);
  });
});

describe('checkPlan', () => {
  const plain: Step = {
    call: 'getpid',
    args: [],
    why: 'test',
    accept: [0n, 0n],
    tolerate: [],
    jump: undefined,
    jumpOn: undefined,
    retryOnEintr: false,
    result: undefined,
    hint: undefined,
  };
  const plan = (step: Partial<Step>, more: Partial<Plan> = {}): Plan => ({
    arch: 'x86_64',
    steps: [plain, { ...plain, ...step }, plain],
    data: new Uint8Array(16),
    imageBytes: 16,
    relocations: [],
    reply: { offset: 0, bytes: 0 },
    ...more,
  });
  const w = (kind: 'w32' | 'w64' | 'addr', offset: number) => ({ kind, offset, text: 'x' });
  const jump = (index: number | undefined) => ({ jump: { name: 'there', index } });

  it.each([
    ['an unknown call', { call: 'frobnicate' as SyscallName }, /step 1 \(frobnicate: test\): x86_64 has no such call/],
    ['seven arguments', { args: Array.from({ length: 7 }, () => w('addr', 0)) }, /more than six arguments/],
    ['seven errnos', { tolerate: Array.from({ length: 7 }, () => 'EPERM' as const) }, /more than six tolerated/],
    ['a label that was never placed', jump(undefined), /there was never placed/],
    ['a jump to itself', jump(1), /jumps backwards to there/],
    ['a jump backwards', jump(0), /jumps backwards to there/],
    ['a branch without a label', { jumpOn: 'zero' as const }, /jumpOn without a label/],
    ['an address behind the image', { args: [w('addr', 17)] }, /an argument lies outside the image/],
    ['an address before the image', { args: [w('addr', -1)] }, /an argument lies outside the image/],
    ['a word that ends behind the image', { args: [w('w64', 16)] }, /an argument lies outside the image/],
    ['a 32-bit word that is not aligned', { args: [w('w32', 2)] }, /is not aligned/],
    ['a 64-bit word that is not aligned', { args: [w('w64', 4)] }, /is not aligned/],
    ['a result word that is not aligned', { result: w('w64', 4) as Step['result'] }, /result word/],
    ['a result word behind the image', { result: w('w64', 16) as Step['result'] }, /result word/],
  ])('refuses %s', (_, step, message) => {
    expect(() => checkPlan(plan(step))).toThrow(message);
  });

  it.each([
    ['a reply behind the image', { reply: { offset: 8, bytes: 9 } }, /the reply lies outside/],
    ['more data than image', { data: new Uint8Array(17) }, /longer than the image/],
    ['an address that is stored at an odd place', { relocations: [4] }, /the address at 4/],
    ['an address that is stored behind the image', { relocations: [16] }, /the address at 16/],
    ['an address that is stored twice', { relocations: [8, 8] }, /stored twice/],
  ])('refuses %s', (_, more, message) => {
    expect(() => checkPlan(plan({}, more))).toThrow(message);
  });

  it('accepts what lies just within', () => {
    const args = [w('addr', 16), w('w64', 8), w('w32', 12)];
    expect(() => checkPlan(plan({ args, ...jump(3), jumpOn: 'positive' }, { relocations: [0, 8] }))).not.toThrow();
  });
});
