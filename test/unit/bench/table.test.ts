import { expect, it } from 'vitest';
import type { Quantity } from '../../../bench/comparisons.js';
import { comparedRows, figureRows, markdownTable, milliseconds, textTable } from '../../../bench/table.js';

const noGuest = () => undefined;

it.each([
  [0.1234, '0.123 ms'],
  [1.234, '1.23 ms'],
  [12.34, '12.3 ms'],
  [1234.5, '1235 ms'],
])('%d is shown as %s', (ms, shown) => {
  expect(milliseconds(ms)).toBe(shown);
});

it('figures are rows with the number of starts, the middle and the spread', () => {
  const summary = { n: 3, median: 2, min: 1, max: 4, q1: 1.5, q3: 3, iqr: 1.5 };
  expect(figureRows([{ arm: 'floor', metric: 'exec', summary }], noGuest)).toEqual([
    ['floor', 'request → exec of the program', '3', '2.00 ms', '1.50 ms … 3.00 ms', '1.00 ms'],
  ]);
});

it('ratios are rows with their interval, and with the promise where there is one', () => {
  const quantity = (arm: string) => ({ arm, metric: 'exec' as const });
  const sides = { of: quantity('launcher'), to: quantity('floor') };
  const ratio = { blocks: 20, ratio: 1.234, low: 1.1, high: 1.3, verdict: 'distinguishable' as const };
  expect(
    comparedRows(
      [
        { ...sides, ratio, atMost: 1.5, kept: true },
        { ...sides, ratio, atMost: 1.2, kept: false },
        { ...sides, ratio, atMost: 1.25, kept: true },
        { ...sides, ratio: { blocks: 2, ratio: 1.2, verdict: 'too few blocks' } },
      ],
      noGuest,
    ),
  ).toEqual([
    ['launcher exec : floor exec', '1.23', '1.10 … 1.30', '20', '≤ 1.5', 'yes'],
    ['launcher exec : floor exec', '1.23', '1.10 … 1.30', '20', '≤ 1.2', 'NO'],
    ['launcher exec : floor exec', '1.23', '1.10 … 1.30', '20', '≤ 1.25', 'yes, not for sure'],
    ['launcher exec : floor exec', '1.20', 'too few blocks', '2', '', ''],
  ]);
});

it('a row of a guest says how it ran', () => {
  const summary = { n: 1, median: 2, min: 2, max: 2, q1: 2, q3: 2, iqr: 0 };
  const accelOf = (arm: string) => (arm === 'vm' ? ('tcg' as const) : undefined);
  expect(figureRows([{ arm: 'vm', metric: 'ready', summary }], accelOf)[0]?.[0]).toBe('vm (TCG, software emulation)');
  const [vm, qemu] = ['vm', 'qemu'].map((arm) => ({ arm, metric: 'ready' as const })) as [Quantity, Quantity];
  const ratio = { blocks: 1, ratio: 1, verdict: 'too few blocks' as const };
  expect(comparedRows([{ of: vm, to: qemu, ratio }], accelOf)[0]?.[0]).toBe(
    'vm ready : qemu ready (TCG, software emulation)',
  );
});

it('a text table is aligned, without blanks at the ends of lines', () => {
  expect(textTable(['a', 'bb'], [['ccc', 'd']])).toBe('a    bb\n───────\nccc  d');
});

it('a Markdown table escapes what would end a cell', () => {
  expect(markdownTable(['a'], [['b|c']])).toBe('| a |\n|---|\n| b\\|c |');
});
