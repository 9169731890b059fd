import { appendFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { emitEvent, eventFiles } from '../../../../src/engine/events/event-log.js';
import { followEvents, pastEvents } from '../../../../src/engine/events/read-events.js';

let before: string | undefined;
beforeEach(() => {
  before = process.env.VLAB_DATA_DIR;
  process.env.VLAB_DATA_DIR = mkdtempSync(join(tmpdir(), 'vlab-ev-'));
});
afterEach(() => {
  rmSync(process.env.VLAB_DATA_DIR ?? '', { recursive: true, force: true });
  if (before === undefined) delete process.env.VLAB_DATA_DIR;
  else process.env.VLAB_DATA_DIR = before;
});

const actions = () => [...pastEvents()].map(({ action }) => action);

/** The next `count` of those who come, and then no more. */
async function taking(count: number, past: boolean, began: () => void): Promise<string[]> {
  const stop = new AbortController();
  const seen: string[] = [];
  const following = (async () => {
    for await (const { action } of followEvents({ past, signal: stop.signal })) {
      seen.push(action);
      if (seen.length === count) stop.abort();
    }
  })();
  setImmediate(began);
  await following;
  return seen;
}

it('are read back in their order, each with a later time', () => {
  for (const action of ['create', 'start', 'die']) emitEvent('container', action, 'abc', { name: 'web' });
  expect(actions()).toEqual(['create', 'start', 'die']);
  const times = [...pastEvents()].map(({ timeNs }) => BigInt(timeNs));
  expect(times.every((time, at) => at === 0 || time > (times[at - 1] ?? 0n))).toBe(true);
  expect([...pastEvents()][0]?.actor).toEqual({ id: 'abc', attributes: { name: 'web' } });
});

it('there are none where nothing has happened', () => expect(actions()).toEqual([]));

it('half a line of a power failure is left out', () => {
  emitEvent('container', 'create', 'a');
  appendFileSync(eventFiles()[1], '{"type":"cont\n');
  emitEvent('container', 'start', 'a');
  expect(actions()).toEqual(['create', 'start']);
});

it('are followed, from now on or from the first, also before there are any', async () => {
  expect(await taking(1, false, () => emitEvent('container', 'create', 'a'))).toEqual(['create']);
  expect(await taking(1, false, () => emitEvent('container', 'start', 'a'))).toEqual(['start']);
  expect(await taking(3, true, () => emitEvent('container', 'die', 'a'))).toEqual(['create', 'start', 'die']);
});

it('a file that is put aside while somebody follows takes none along', async () => {
  emitEvent('container', 'one', 'a');
  const [older, current] = eventFiles();
  const seen = await taking(4, true, () => {
    emitEvent('container', 'two', 'a');
    renameSync(current, older);
    emitEvent('container', 'three', 'a');
    emitEvent('container', 'four', 'a');
  });
  expect(seen).toEqual(['one', 'two', 'three', 'four']);
});

it('the files stay small: what is oldest is forgotten', async () => {
  const attributes = { label: 'x'.repeat(100_000) };
  for (let n = 0; n < 130; n++) {
    emitEvent('container', `n${n}`, 'a', attributes);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const kept = actions();
  expect(kept.at(-1)).toBe('n129');
  expect(kept.length).toBeGreaterThan(40);
  expect(kept.length).toBeLessThan(100);
});
