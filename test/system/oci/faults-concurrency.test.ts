// Needs root: commands that meet. Each runs inside a container with limits, and at the end nothing is left.
import { expect, test } from 'vitest';
import type { Ran } from '../../fixtures/oci/run-command.js';
import { bundle, LASTING, oci, theOuter, useOuter, WAYS } from './in-outer.js';
import { COLD, NATIVE, VLAB } from './outer.js';

useOuter();

const create = async (id: string, runtime: readonly string[] = NATIVE) =>
  oci(['create', '--bundle', await bundle('plain', LASTING), id], { runtime });
const removed = (id: string) => oci(['delete', '--force', id]);

const KILLED = 128 + 9;

/** Whatever happened, somebody can read what it was. */
function told(ran: readonly Ran[]): void {
  for (const one of ran) {
    const { code, stderr, late } = one;
    const shown = JSON.stringify(one);
    expect(late, shown).toBe(false);
    // A program that was killed says nothing either.
    if (code !== 0 && code !== KILLED) expect(stderr, shown).toMatch(/^\S.* .*\n$/s);
    expect(stderr).not.toMatch(/^\s+at /m);
  }
}

function winners(ran: readonly Ran[]): number {
  told(ran);
  return ran.filter(({ code }) => code === 0).length;
}

test.each(WAYS)('of eight who create the same container, one does (%s)', async (_, runtime) => {
  const ran = await Promise.all(Array.from({ length: 8 }, () => create('same', runtime)));
  expect(winners(ran)).toBe(1);
  for (const { code, stderr } of ran) if (code !== 0) expect(stderr).toContain('already exists');
  expect((await oci(['state', 'same'])).stdout).toContain('"created"');
  expect((await removed('same')).code).toBe(0);
});

test('of four who start the same container, one does', async () => {
  await create('one');
  const ran = await Promise.all(Array.from({ length: 4 }, () => oci(['start', 'one'])));
  expect(winners(ran)).toBe(1);
  expect((await oci(['state', 'one'])).stdout).toContain('"running"');
  await removed('one');
});

test('of four who delete the same container, one does, and with --force nobody minds', async () => {
  await create('one');
  await oci(['kill', 'one', 'KILL']);
  await oci(['start', 'one']); // fails, and has waited for its end
  const ran = await Promise.all(Array.from({ length: 4 }, () => oci(['delete', 'one'])));
  expect(winners(ran)).toBe(1);
  for (const { code, stderr } of ran) if (code !== 0) expect(stderr).toContain('does not exist');
  await create('one');
  expect(winners(await Promise.all(Array.from({ length: 4 }, () => removed('one'))))).toBe(4);
});

test('who starts, enters, kills, pauses or asks while others delete is told how it went', async () => {
  const others: Record<string, string[]> = {
    start: ['start', 'one'],
    exec: ['exec', 'one', '/probe', 'true'],
    'exec --detach': ['exec', '--detach', 'one', '/probe', 'trap'],
    kill: ['kill', 'one', 'TERM'],
    pause: ['pause', 'one'],
    state: ['state', 'one'],
    list: ['list'],
  };
  let [together, first] = [0, 0];
  for (const [name, words] of Object.entries(others)) {
    for (let time = 0; time < 4; time++) {
      await create('one');
      if (name !== 'start') await oci(['start', 'one']);
      const runtime = time === 3 ? COLD : NATIVE;
      const [other, deleted] = await Promise.all([oci(words, { runtime }), removed('one')]);
      told([other, deleted]);
      expect(deleted.code, name).toBe(0);
      if (other.code === 0) together++;
      else first++;
      expect((await oci(['state', 'one'])).stderr).toContain('does not exist');
    }
  }
  expect(together).toBeGreaterThan(0);
  expect(first).toBeGreaterThan(0);
});

test('fifty are created, listed, started and deleted at once', async () => {
  const ids = Array.from({ length: 50 }, (_, index) => `many${index}`);
  const path = await bundle('plain', LASTING);
  const all = (words: (id: string) => string[]) => Promise.all(ids.map((id) => oci(words(id))));
  expect(winners(await all((id) => ['create', '--bundle', path, id]))).toBe(50);
  expect((await oci(['list', '--quiet'])).stdout.trim().split('\n').sort()).toEqual([...ids].sort());
  expect(winners(await all((id) => ['start', id]))).toBe(50);
  expect(winners(await all((id) => ['exec', id, '/probe', 'true']))).toBe(50);
  expect(winners(await all((id) => ['delete', '--force', id]))).toBe(50);
}, 60_000);

test('of four planners that are started at once, one stays', async () => {
  await theOuter().run([...VLAB, 'planner', 'stop']);
  const ran = await Promise.all(Array.from({ length: 4 }, () => theOuter().run([...VLAB, 'planner', 'start'])));
  expect(winners(ran)).toBe(4);
  const pids = new Set(ran.map(({ stdout }) => /process (\d+)/.exec(stdout)?.[1]));
  expect(pids.size).toBe(1);
  const running = async () => (await theOuter().run(['pgrep', '-f', 'serve-planner'])).stdout.trim();
  await expect.poll(running).toBe([...pids][0]); // the others see that there is one, and end
});
