import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Row } from '../../../src/lab/row.js';
import { type SummaryLine, summarise } from '../../../src/lab/summarise.js';
import { encodeSummary, SUMMARY_COLUMNS } from '../../../src/lab/summary-csv.js';
import { seededRandom, shuffle } from '../../../src/stats/random.js';
import { madeUpRun, QUICKSTART_ARMS } from '../../fixtures/report/made-up-run.js';

const options = { baseline: 'process', seed: 1 };

function row(changes: Partial<Row>): Row {
  return {
    block: 0,
    order: 0,
    arm: 'process',
    driver: 'process',
    metric: 'ready',
    value: 1e6,
    unit: 'ns',
    outcome: 'ok',
    reason: '',
    warmup: false,
    started_at_ns: '1',
    accel: '',
    ...changes,
  };
}

/** Blocks 0 … n-1 of one arm, every value in ms. */
function arm(label: string, valuesMs: readonly number[], changes: Partial<Row> = {}): Row[] {
  return valuesMs.map((ms, block) => row({ arm: label, block, order: block, value: ms * 1e6, ...changes }));
}

function lineOf(lines: readonly SummaryLine[], label: string, accel = ''): SummaryLine {
  const line = lines.find((each) => each.arm === label && each.accel === accel);
  if (!line) throw new Error(`no line for ${label}`);
  return line;
}

describe('summarise', () => {
  it('leaves warm-ups out', () => {
    const rows = [...arm('process', [1, 2, 3]), row({ block: -1, order: 9, value: 1e9, warmup: true })];
    expect(lineOf(summarise(rows, options), 'process')).toMatchObject({ n: 3, times: { median: 2, max: 3 } });
  });

  it('counts failures, and takes no time from a trial that failed later', () => {
    const rows = [
      ...arm('process', [1, 2, 3]),
      row({ block: 3, order: 3, value: 50e6 }),
      row({ block: 3, order: 3, metric: 'start', value: undefined, outcome: 'timeout', reason: 'not ready after 1 s' }),
      row({ block: 4, order: 4, metric: 'start', value: undefined, outcome: 'failed', reason: 'exit code 1' }),
    ];
    expect(lineOf(summarise(rows, options), 'process')).toMatchObject({ n: 3, failed: 2, times: { max: 3 } });
  });

  it('does not let an arm look fast by losing its slow starts: they stay visible as failures', () => {
    const slow = (block: number): boolean => block % 2 === 1;
    const rows = arm('container', [1, 9, 1, 9, 1, 9]).map((each) =>
      slow(each.block) ? { ...each, metric: 'start' as const, value: undefined, outcome: 'timeout' as const } : each,
    );
    expect(lineOf(summarise(rows, options), 'container')).toMatchObject({ n: 3, failed: 3, times: { median: 1 } });
  });

  it('forgives a trial that was cancelled and run again under its number', () => {
    const rows = [row({ metric: 'start', value: undefined, outcome: 'cancelled' }), row({ value: 4e6 })];
    expect(lineOf(summarise(rows, options), 'process')).toMatchObject({ n: 1, failed: 0, times: { median: 4 } });
  });

  it('has a line for an arm that never went well', () => {
    const rows = [
      ...arm('process', [1]),
      ...arm('runc', [1, 1], { metric: 'start', outcome: 'failed', value: undefined }),
    ];
    const line = lineOf(
      summarise(
        rows.map((each) => (each.outcome === 'ok' ? each : { ...each, value: undefined })),
        options,
      ),
      'runc',
    );
    expect(line).toMatchObject({ metric: 'start', n: 0, failed: 2 });
    expect(line).not.toHaveProperty('times');
    expect(line).not.toHaveProperty('ratio');
  });

  it('takes ratios inside blocks: a drift that triples all times changes nothing', () => {
    const drift = [1, 3, 1, 3, 2, 1, 3, 1];
    const rows = [
      ...arm('process', drift),
      ...arm(
        'container',
        drift.map((factor) => 2 * factor),
      ),
    ];
    const line = lineOf(summarise(rows, options), 'container');
    expect(line).toMatchObject({ blocks: 8, verdict: 'distinguishable' });
    expect([line.ratio, line.ratioLow, line.ratioHigh].map((ratio) => ratio?.toFixed(9))).toEqual(
      Array(3).fill('2.000000000'),
    );
  });

  it('pairs only blocks that both arms have', () => {
    const rows = [...arm('process', [1, 1, 1, 1, 1, 1, 1, 1]), ...arm('vm', [4, 4], { accel: 'kvm' })];
    expect(lineOf(summarise(rows, options), 'vm', 'kvm')).toMatchObject({
      n: 2,
      blocks: 2,
      verdict: 'too few blocks',
      ratio: 4,
    });
  });

  it('never mixes accelerators of one arm, and never compares KVM with TCG', () => {
    const five = [5, 5, 5, 5, 5];
    const rows = [
      ...arm('vm', five, { accel: 'kvm' }),
      ...arm('vm', [900, 900, 900, 900, 900], { accel: 'tcg' }),
      ...arm('other', [450, 450, 450, 450, 450], { accel: 'tcg' }),
    ];
    const lines = summarise(rows, { baseline: 'vm', seed: 1 });
    expect(lines.map(({ arm: label, accel, n, times }) => [label, accel, n, times?.median])).toEqual([
      ['other', 'tcg', 5, 450],
      ['vm', 'kvm', 5, 5],
      ['vm', 'tcg', 5, 900],
    ]);
    expect(lineOf(lines, 'other', 'tcg').ratio).toBeCloseTo(0.5);
    const onlyKvm = summarise(
      rows.filter(({ arm: label, accel }) => label !== 'vm' || accel === 'kvm'),
      { baseline: 'vm', seed: 1 },
    );
    expect(lineOf(onlyKvm, 'other', 'tcg')).toMatchObject({ verdict: 'accelerators differ', blocks: 0 });
    expect(lineOf(onlyKvm, 'other', 'tcg')).not.toHaveProperty('ratio');
  });

  it('works without the baseline', () => {
    expect(lineOf(summarise(arm('container', [1, 2]), options), 'container')).toMatchObject({
      verdict: 'no baseline',
      n: 2,
    });
    expect(summarise([], options)).toEqual([]);
  });

  it('takes no ratio where a time is not above zero', () => {
    const rows = [...arm('process', [1, 1, 1, 1, 1]), ...arm('container', [1, 1, 0, 1, 1])];
    expect(lineOf(summarise(rows, options), 'container')).toMatchObject({ verdict: 'not positive', n: 5 });
  });

  it('prints the arms in the order that it is given', () => {
    const rows = [...arm('c', [1]), ...arm('a', [1]), ...arm('b', [1])];
    const order = (arms: string[]): string[] => summarise(rows, { ...options, arms }).map((line) => line.arm);
    expect(order(['b', 'c', 'a'])).toEqual(['b', 'c', 'a']);
    expect(order(['b'])).toEqual(['b', 'a', 'c']);
  });

  it('does not depend on the order of the rows', () => {
    const { rows } = madeUpRun({ arms: QUICKSTART_ARMS, blocks: 8 });
    const whole = summarise(rows, options);
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        expect(summarise(shuffle(rows, seededRandom(seed)), options)).toEqual(whole);
      }),
      { numRuns: 10 },
    );
  });
});

describe('encodeSummary', () => {
  it('has a header, CRLF, empty fields for what is absent, and whole nanoseconds', () => {
    const rows = [...arm('process', [1, 2]), ...arm('vm, odd', [1.2345678, 3], { accel: 'tcg', driver: 'vm' })];
    const text = encodeSummary(summarise(rows, options));
    expect(text.split('\r\n')).toEqual([
      SUMMARY_COLUMNS.join(','),
      'process,process,,ready,ms,2,0,1.5,1,2,1.25,1.75,0.5,,,process,0,,,,baseline',
      '"vm, odd",vm,tcg,ready,ms,2,0,2.117284,1.234568,3,1.675926,2.558642,0.882716,,,process,2,1.360828,,,too few blocks',
      '',
    ]);
  });
});
