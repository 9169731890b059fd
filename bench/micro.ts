/**
 * `npm run bench:micro`: the in-process paths, by the benchmark package (it chooses the number of runs by the clock and
 * gives operations a second with a margin of error). Writes docs/bench/micro.json and its table in docs/promises.md.
 */
import { parseArgs } from 'node:util';
import Benchmark from 'benchmark';
import { keepResult, machineWords } from './keep-result.js';
import { microCases } from './micro-cases.js';
import { markdownTable, textTable } from './table.js';

export interface MicroFigure {
  name: string;
  opsPerSecond: number;
  /** Relative margin of error of the mean at 95 %, percent. */
  marginPercent: number;
  runs: number;
}

const HEAD = ['path', 'operations a second', 'one takes', 'margin'];

/** Runs the bench with the words behind `npm run bench:micro --`. */
export async function microBench(words: string[]): Promise<void> {
  const { values } = parseArgs({
    args: words,
    options: {
      'max-seconds': { type: 'string', default: '3' },
      json: { type: 'boolean', default: false },
      'no-write': { type: 'boolean', default: false },
    },
  });
  const figures = await time(Number(values['max-seconds']));
  const rows = figures.map(({ name, opsPerSecond, marginPercent }) => [
    name,
    Math.round(opsPerSecond).toLocaleString('en-GB'),
    `${(1e6 / opsPerSecond).toFixed(1)} µs`,
    `± ${marginPercent.toFixed(1)} %`,
  ]);
  const result = { date: new Date().toISOString().slice(0, 10), machine: machineWords(), figures };
  process.stdout.write(values.json ? `${JSON.stringify(result, undefined, 2)}\n` : `${textTable(HEAD, rows)}\n`);
  if (values['no-write']) return;
  const table = markdownTable(
    [...HEAD, 'command'],
    rows.map((row) => [...row, '`npm run bench:micro`']),
  );
  keepResult('bench:micro', 'micro.json', result, `${result.date}, ${result.machine}.\n\n${table}`);
}

function time(maxSeconds: number): Promise<MicroFigure[]> {
  const suite = new Benchmark.Suite();
  for (const { name, run } of microCases()) suite.add(name, run, { maxTime: maxSeconds });
  return new Promise((resolve, reject) => {
    suite.on('error', (event: Benchmark.Event) => reject((event.target as { error?: unknown }).error));
    suite.on('complete', () => {
      resolve(
        suite.map(({ name, hz, stats }: Benchmark) => ({
          name,
          opsPerSecond: hz,
          marginPercent: stats.rme,
          runs: stats.sample.length,
        })) as unknown as MicroFigure[],
      );
    });
    suite.run({ async: true });
  });
}
