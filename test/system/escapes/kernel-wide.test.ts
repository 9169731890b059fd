// Attacks on the whole kernel, in two virtual machines: on plans of vlab, and on the same plans without the guard. Needs QEMU and a
// guest kernel; runs by emulation, so without /dev/kvm and without root.
import { describe, expect, it, type TestContext } from 'vitest';
import { qemuAndKernel, START_DEADLINE_MS } from '../vm/on-the-machine.js';
import { attackGuest, type GuestAnswers, type GuestAttack } from './guest-arena.js';
import { KERNEL_ATTACKS, type KernelAttack, type KernelAttackId, SECOND_WALLS } from './kernel-attacks.js';

const TIMEOUT = START_DEADLINE_MS + 30_000;
const ids = Object.keys(KERNEL_ATTACKS) as KernelAttackId[];
const attackOf = (id: KernelAttackId): KernelAttack => KERNEL_ATTACKS[id];

const asItIs = (id: KernelAttackId): GuestAttack => {
  const { words, check, limits, asks } = attackOf(id);
  return { name: id, words, check: hurried(check), limits, asks };
};
/** Where nothing is expected to run, a moment is waited for it. */
const hurried = (check: string) => check.replace(/^helper:\d+$/, 'helper:3');

const walls = SECOND_WALLS.map(([id, name, flaw, blocked], index) => ({
  attack: { ...asItIs(id), name: `wall-${index}`, flaw },
  title: `${name} against ${id}`,
  blocked,
}));

/** Each machine is booted once, by the first test that asks for it. */
function once(attacks: () => GuestAttack[]) {
  let answers: Promise<GuestAnswers> | undefined;
  return async (context: TestContext) => {
    const machine = await qemuAndKernel(context);
    answers ??= attackGuest(machine, attacks());
    return answers;
  };
}
const guarded = once(() => [...ids.map(asItIs), ...walls.map(({ attack }) => attack)]);
const flawed = once(() => ids.map((id) => ({ ...asItIs(id), ...attackOf(id), name: id })));

function expectSaid(said: string[], expected: readonly (string | RegExp)[], console: string): void {
  const missing = expected.filter(
    (one) => !said.some((line) => (typeof one === 'string' ? line === one : one.test(line))),
  );
  expect(missing, `${said.join('\n')}\n${console}`).toEqual([]);
}

describe('blocked:', () => {
  it.for(ids)('%s', { timeout: TIMEOUT }, async (id, context) => {
    const { of, console } = await guarded(context);
    expectSaid(of(id), attackOf(id).blocked, console);
  });

  it.for(walls)('by one wall alone, $title', { timeout: TIMEOUT }, async ({ attack, blocked }, context) => {
    const { of, console } = await guarded(context);
    expectSaid(of(attack.name), blocked, console);
  });

  it('and the machine goes on', { timeout: TIMEOUT }, async (context) => {
    expect((await guarded(context)).whole).toBe(true);
  });
});

describe('works on a plan without the guard:', () => {
  it.for(ids)('%s', { timeout: TIMEOUT }, async (id, context) => {
    const { of, console } = await flawed(context);
    expectSaid(of(id), attackOf(id).works, console);
  });

  it('the last of them ends the machine', { timeout: TIMEOUT }, async (context) => {
    const { whole, shutdown, of } = await flawed(context);
    expect([whole, shutdown, of('arena'), of('power-off')]).toEqual([false, 'guest-shutdown', [], []]);
  });
});
