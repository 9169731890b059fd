/**
 * The whole path from scenario to verdict, without a clock: schedule, arms, trials, rows, CSV text and back, summary.
 * Two arms with the same distribution must be called different about as often as the interval's 95 % allow; an arm that
 * is a fifth slower must be found, by an interval that holds the truth.
 */
import { expect, test } from 'vitest';
import { loadDriver } from '../../../src/drivers/registry.js';
import { execute } from '../../../src/lab/execute.js';
import { prepareArms } from '../../../src/lab/prepare-arms.js';
import type { Row } from '../../../src/lab/row.js';
import { decodeRowsFile, encodeRows, ROWS_HEADER } from '../../../src/lab/row-csv.js';
import { schedule } from '../../../src/lab/schedule.js';
import { type SummaryLine, summarise } from '../../../src/lab/summarise.js';
import { fakeScenario, temporaryDir } from './fixtures.js';

const RUNS = 500;
const PLANTED_RUNS = 200;
const BLOCKS = 20;

interface Ratios {
  falseAlarms: number;
  lines: SummaryLine[];
}

/**
 * That many runs of two arms; the second is `slower` times as slow. The arms are prepared once: the distributions of the
 * fake driver go on, so that no two runs see the same times.
 */
async function manyRuns(runs: number, slower: number, seeds: [a: number, b: number]): Promise<Ratios> {
  const { signal } = new AbortController();
  const { scenario } = fakeScenario(
    [
      { label: 'a', options: { seed: seeds[0], medianMs: 10, spread: 0.1 } },
      { label: 'b', options: { seed: seeds[1], medianMs: 10 * slower, spread: 0.1 } },
    ],
    { blocks: BLOCKS, payload: { rootfs: 'root', command: ['/program'] } },
  );
  const common = { signal, listener: () => {} };
  const arms = await prepareArms(scenario, { ...common, rootfsDir: '/', scratchDir: temporaryDir(), load: loadDriver });
  const lines: SummaryLine[] = [];
  for (let seed = 0; seed < runs; seed++) {
    const kept: Row[] = [];
    const sink = {
      append: async (rows: readonly Row[]) => void kept.push(...rows.filter((row) => row.metric === 'ready')),
      blockEnded: async () => {},
      sync: async () => {},
    };
    const { complete } = await execute({
      ...common,
      scenario,
      trials: schedule(scenario, seed),
      done: new Set(),
      arms,
      sink,
    });
    if (!complete) throw new Error(`run ${seed} was not complete`);
    const rows = decodeRowsFile(ROWS_HEADER + encodeRows(kept));
    const line = summarise(rows, { baseline: 'a', seed }).find((one) => one.arm === 'b');
    if (line?.n !== BLOCKS) throw new Error(`run ${seed} has no line for b`);
    lines.push(line);
  }
  return { falseAlarms: lines.filter((line) => line.verdict === 'distinguishable').length, lines };
}

test(`over ${RUNS} A/A runs the share of false alarms is 3 to 8 %`, { timeout: 60_000 }, async () => {
  const { falseAlarms, lines } = await manyRuns(RUNS, 1, [1, 2]);
  expect(lines.every((line) => line.verdict === 'distinguishable' || line.verdict === 'not distinguishable')).toBe(
    true,
  );
  expect(falseAlarms / RUNS).toBeGreaterThanOrEqual(0.03);
  expect(falseAlarms / RUNS).toBeLessThanOrEqual(0.08);
});

test('a planted 20 % is found, and the interval holds it as often as it says', { timeout: 60_000 }, async () => {
  const { falseAlarms: found, lines } = await manyRuns(PLANTED_RUNS, 1.2, [3, 4]);
  const holds = lines.filter((line) => (line.ratioLow ?? 9) <= 1.2 && (line.ratioHigh ?? 0) >= 1.2);
  expect(found / PLANTED_RUNS).toBeGreaterThan(0.95);
  // 95 % of 200, give or take three standard deviations of a binomial count.
  expect(holds.length).toBeGreaterThanOrEqual(181);
  expect(holds.length).toBeLessThanOrEqual(199);
});
