import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ROW_COLUMNS, type Row, START_METRICS } from '../../../src/lab/row.js';
import { decodeRows, decodeRowsFile, encodeRows, oneLine, ROWS_HEADER } from '../../../src/lab/row-csv.js';

const row = fc.record({
  block: fc.integer({ min: -100, max: 100_000 }),
  order: fc.nat(),
  arm: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/),
  driver: fc.constantFrom('process', 'vm'),
  metric: fc.constantFrom(...START_METRICS, 'start' as const),
  value: fc.option(fc.nat({ max: Number.MAX_SAFE_INTEGER }), { nil: undefined }),
  unit: fc.constant('ns' as const),
  outcome: fc.constantFrom('ok', 'failed', 'timeout', 'cancelled', 'skipped'),
  reason: fc.string({ unit: 'binary' }).map(oneLine),
  warmup: fc.boolean(),
  started_at_ns: fc.bigInt({ min: 0n, max: 2n ** 63n }).map(String),
  accel: fc.constantFrom('', 'kvm', 'tcg'),
}) as fc.Arbitrary<Row>;

test('a line is RFC 4180: CRLF, quotes where needed, nothing where there is no value', () => {
  const failed: Row = {
    block: -1,
    order: 3,
    arm: 'vm',
    driver: 'vm',
    metric: 'start',
    value: undefined,
    unit: 'ns',
    outcome: 'failed',
    reason: 'it said "no", twice',
    warmup: true,
    started_at_ns: '9007199254740993',
    accel: 'tcg',
  };
  expect(ROWS_HEADER + encodeRows([failed])).toBe(
    'block,order,arm,driver,metric,value,unit,outcome,reason,warmup,started_at_ns,accel\r\n' +
      '-1,3,vm,vm,start,,ns,failed,"it said ""no"", twice",true,9007199254740993,tcg\r\n',
  );
});

test('rows come back as they were, and a row is a line', () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 20 }), (rows) => {
      const text = encodeRows(rows);
      expect(decodeRows(text)).toEqual(rows);
      expect(text.split('\r\n')).toHaveLength(rows.length + 1);
      expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    }),
    { numRuns: 60 },
  );
});

test('what is no row is refused with its line', () => {
  fc.assert(
    fc.property(row, fc.nat({ max: ROW_COLUMNS.length - 1 }), (one, column) => {
      if (['arm', 'driver', 'reason'].includes(ROW_COLUMNS[column] as string)) return;
      const fields = encodeRows([{ ...one, reason: '' }])
        .trimEnd()
        .split(',');
      fields[column] = 'what?';
      expect(() => decodeRowsFile(`${ROWS_HEADER}${encodeRows([one])}${fields.join(',')}\r\n`)).toThrowError(
        /line 3 of trials\.csv is no row/,
      );
    }),
    { numRuns: 60 },
  );
});
