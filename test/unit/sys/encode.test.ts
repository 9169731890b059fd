import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ARCHITECTURES, type Arch, ERRNOS, type Errno, type SyscallName } from '../../../src/sys/abi.js';
import { encodePlan, MAX_IMAGE_BYTES, MAX_RELOCATIONS, MAX_STEPS, words32, words64 } from '../../../src/sys/encode.js';
import type { Arg, Plan, Step } from '../../../src/sys/plan.js';
import { decodedText, decodePlan } from './decode-plan.js';
import { EXAMPLE_VERSION, everythingPlan, notePlan } from './example-plans.js';
import { hexDump } from './hex-dump.js';

describe('encodePlan', () => {
  for (const arch of ['x86_64', 'aarch64'] as const) {
    it(`puts every feature of a plan into its place (${arch})`, async () => {
      const bytes = encodePlan(everythingPlan(arch), EXAMPLE_VERSION);
      const decoded = decodePlan(bytes);
      await expect(decodedText(decoded) + hexDump(decoded.data)).toMatchFileSnapshot(`golden/everything-${arch}.txt`);
    });
  }

  it('differs between architectures in nothing but the machine and the numbers of the calls', () => {
    const decode = (arch: Arch) => decodePlan(encodePlan(everythingPlan(arch), EXAMPLE_VERSION));
    const [a, b] = [decode('x86_64'), decode('aarch64')];
    const blank = (plan: typeof a) => ({ ...plan, machine: 0, steps: plan.steps.map((step) => ({ ...step, nr: 0 })) });
    expect(blank(a)).toEqual(blank(b));
    expect(a.steps.map(({ nr }) => nr)).not.toEqual(b.steps.map(({ nr }) => nr));
  });

  it('refuses what is over a limit', () => {
    const plan = notePlan();
    const [step] = plan.steps as [Step];
    const plain: Step = { ...step, args: [], tolerate: [], jump: undefined, result: undefined };
    const many = (count: number): Plan => ({ ...plan, steps: Array.from({ length: count }, () => plain) });
    expect(() => encodePlan(many(0), 1n)).toThrow(/1 to 8192 steps, this one 0/);
    expect(() => encodePlan(many(MAX_STEPS + 1), 1n)).toThrow(/this one 8193/);
    expect(encodePlan(many(MAX_STEPS), 1n).length).toBeGreaterThan(MAX_STEPS * 96);
    expect(() => encodePlan({ ...plan, imageBytes: MAX_IMAGE_BYTES + 8 }, 1n)).toThrow(/16 MiB/);
    expect(() => encodePlan({ ...plan, imageBytes: 1 << 20, reply: { offset: 0, bytes: 65537 } }, 1n)).toThrow(
      /64 KiB/,
    );
    const relocations = Array.from({ length: MAX_RELOCATIONS + 1 }, (_, index) => index * 8);
    expect(() => encodePlan({ ...plan, imageBytes: 1 << 20, relocations }, 1n)).toThrow(/65536 addresses/);
  });

  it('loses nothing: what was encoded is decoded (property)', () => {
    const imageBytes = 4096;
    const word = (kind: 'w32' | 'w64', width: number) =>
      fc
        .integer({ min: 0, max: imageBytes / width - 1 })
        .map((index): Arg => ({ kind, offset: index * width, text: '' }));
    const arg = fc.oneof(
      fc.bigInt({ min: -(1n << 63n), max: (1n << 64n) - 1n }).map((value): Arg => ({ kind: 'num', value })),
      fc.integer({ min: 0, max: imageBytes }).map((offset): Arg => ({ kind: 'addr', offset, text: '' })),
      word('w32', 4),
      word('w64', 8),
    );
    const i64 = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
    const step = fc.record({
      call: fc.constantFrom(...(Object.keys(ARCHITECTURES.x86_64.syscalls) as SyscallName[])),
      args: fc.array(arg, { maxLength: 6 }),
      accept: fc.tuple(i64, i64),
      tolerate: fc.uniqueArray(fc.constantFrom(...(Object.keys(ERRNOS) as Errno[])), { maxLength: 6 }),
      jumpBy: fc.option(fc.integer({ min: 1, max: 30 })),
      jumpOn: fc.constantFrom(undefined, 'positive' as const, 'zero' as const),
      retryOnEintr: fc.boolean(),
      result: fc.option(fc.integer({ min: 0, max: imageBytes / 8 - 1 })),
    });
    const plans = fc.record({
      arch: fc.constantFrom('x86_64' as const, 'aarch64' as const),
      steps: fc.array(step, { minLength: 1, maxLength: 20 }),
      data: fc.uint8Array({ maxLength: imageBytes }),
      relocations: fc.uniqueArray(fc.integer({ min: 0, max: imageBytes / 8 - 1 }), { maxLength: 20 }),
      version: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    });
    fc.assert(
      fc.property(plans, ({ arch, steps, data, relocations, version }) => {
        const plan: Plan = {
          arch,
          data,
          imageBytes,
          relocations: relocations.map((index) => index * 8),
          reply: { offset: 8, bytes: 16 },
          steps: steps.map(({ jumpBy, jumpOn, result, ...rest }, index) => ({
            ...rest,
            why: '',
            hint: undefined,
            jump: jumpBy === null ? undefined : { name: '', index: Math.min(index + jumpBy, steps.length) },
            jumpOn: jumpBy === null ? undefined : jumpOn,
            result: result === null ? undefined : { kind: 'w64', offset: result * 8, text: '' },
          })),
        };
        const decoded = decodePlan(encodePlan(plan, version));
        const kinds = { num: 0, addr: 1, w32: 2, w64: 3 };
        const none = { kind: 0, value: 0n };
        expect(decoded).toEqual({
          machine: ARCHITECTURES[arch].machine,
          version,
          imageBytes,
          reply: plan.reply,
          relocations: [...plan.relocations].sort((a, b) => a - b),
          data: new Uint8Array(data),
          steps: plan.steps.map((one) => ({
            nr: ARCHITECTURES[arch].syscalls[one.call],
            flags: (one.retryOnEintr ? 1 : 0) + (one.jumpOn === 'positive' ? 2 : 0) + (one.jumpOn === 'zero' ? 4 : 0),
            jump: one.jump?.index ?? 0,
            args: Array.from({ length: 6 }, (_, index) => {
              const given = one.args[index];
              if (!given) return none;
              const value = given.kind === 'num' ? BigInt.asUintN(64, given.value) : BigInt(given.offset);
              return { kind: kinds[given.kind], value };
            }),
            accept: [...one.accept],
            result: one.result?.offset ?? -1,
            tolerate: Array.from({ length: 6 }, (_, index) => {
              const errno = one.tolerate[index];
              return errno ? ERRNOS[errno] : 0;
            }),
          })),
        });
      }),
      { numRuns: 200 },
    );
  });
});

describe('words', () => {
  it('are little-endian, and negative numbers wrap', () => {
    expect([...words32(1, -2, 0xffffffff)]).toEqual([1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    expect([...words64(-1, 2n)]).toEqual([255, 255, 255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 0, 0, 0]);
  });
});
