import { describe, expect, it } from 'vitest';
import { logTime, parseLogLine, tailStart } from '../../../../src/engine/logs/log-line.js';

const line = (text: string, tag = 'F') => `2026-11-25T01:02:03.000000004Z stdout ${tag} ${text}`;

describe('parseLogLine', () => {
  it('takes a line apart, whatever its bytes are', () => {
    const bytes = Buffer.concat([Buffer.from(line('')), Buffer.from([0xff, 0, 0x20])]);
    expect(parseLogLine(bytes)).toEqual({
      time: '2026-11-25T01:02:03.000000004Z',
      stream: 'stdout',
      partial: false,
      text: Buffer.from([0xff, 0, 0x20]),
    });
    expect(parseLogLine(Buffer.from(line('a', 'P').replace('stdout', 'stderr')))).toMatchObject({
      stream: 'stderr',
      partial: true,
    });
  });

  it('takes no other text for a line', () => {
    for (const text of ['', 'hello', line('x').slice(1), line('x').replace('stdout', 'stdin')])
      expect(parseLogLine(Buffer.from(text))).toBeUndefined();
  });
});

describe('logTime', () => {
  it('writes nanoseconds as the log does', () => {
    expect(logTime(1_795_568_523_000_000_004n)).toBe('2026-11-25T01:02:03.000000004Z');
    expect(logTime(-1n)).toBe('1969-12-31T23:59:59.999999999Z');
  });
});

describe('tailStart', () => {
  const part = Buffer.from(['1', '2', '3'].map((text) => `${line(text)}\n`).join(''));
  const lineBytes = line('1').length + 1;

  it('finds where the last lines begin', () => {
    expect(tailStart(part, 1, { lines: 0 })).toBe(2 * lineBytes);
    expect(tailStart(part, 2, { lines: 0 })).toBe(lineBytes);
    expect(tailStart(part, 0, { lines: 0 })).toBe(part.length);
  });

  it('goes on in the part before, where there are too few', () => {
    const seen = { lines: 0 };
    expect(tailStart(part, 4, seen)).toBeUndefined();
    expect(seen.lines).toBe(3);
    expect(tailStart(part, 4, seen)).toBe(2 * lineBytes);
  });

  it('counts the parts of a line once', () => {
    const long = Buffer.from(
      [line('0'), line('a', 'P'), line('b', 'P'), line('c')].map((text) => `${text}\n`).join(''),
    );
    expect(tailStart(long, 1, { lines: 0 })).toBe(lineBytes);
  });

  it('counts a last line that was never ended', () => {
    const cut = Buffer.from([line('0'), line('1'), line('a', 'P')].map((text) => `${text}\n`).join(''));
    expect(tailStart(cut, 1, { lines: 0 })).toBe(2 * lineBytes);
    expect(tailStart(cut, 2, { lines: 0 })).toBe(lineBytes);
  });
});
