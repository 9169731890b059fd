import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { containerStatus } from '../../../../src/cli/format/container-status.js';
import { labelRule, matches, parseFilters } from '../../../../src/cli/format/filter.js';
import { type ContainerFacts, containerRules, referenceMatches } from '../../../../src/cli/format/filter-rules.js';
import { binarySize, decimalSize, humanDuration } from '../../../../src/cli/format/human.js';
import { parseDurationNs, parseMoment } from '../../../../src/cli/format/moment.js';
import { printable } from '../../../../src/cli/format/terminal-text.js';

const S = 1000;
const H = 3600 * S;

describe('sizes', () => {
  it.each([
    [0, '0B', '0B'],
    [999, '999B', '999B'],
    [1000, '1kB', '1000B'],
    [1024, '1.02kB', '1KiB'],
    [4261550, '4.26MB', '4.064MiB'],
    [999900, '1e+03kB', '976.5KiB'],
    [1.5e12, '1.5TB', '1.364TiB'],
  ])('%d', (bytes, decimal, binary) => {
    expect([decimalSize(bytes), binarySize(bytes)]).toEqual([decimal, binary]);
  });
});

describe('durations', () => {
  it.each([
    [0, 'Less than a second'],
    [1999, '1 second'],
    [59 * S, '59 seconds'],
    [60 * S, 'About a minute'],
    [119 * S, 'About a minute'],
    [120 * S, '2 minutes'],
    [H, 'About an hour'],
    [1.5 * H, '2 hours'],
    [47 * H, '47 hours'],
    [48 * H, '2 days'],
    [14 * 24 * H, '2 weeks'],
    [60 * 24 * H, '2 months'],
    [730 * 24 * H, '2 years'],
  ])('%d ms is %s', (durationMs, words) => {
    expect(humanDuration(durationMs)).toBe(words);
  });

  it('never lack words', () => {
    fc.assert(
      fc.property(fc.nat(1e14), (ms) => /^(\d+ \w+|Less than a second|About an? \w+)$/.test(humanDuration(ms))),
    );
  });
});

describe('the state of a container', () => {
  const now = 10 * H;
  it.each([
    [{ state: 'created' }, 'Created'],
    [{ state: 'running', startedAtMs: now - 3 * H, health: 'healthy' }, 'Up 3 hours (healthy)'],
    [{ state: 'running', startedAtMs: now - 5 * S, health: 'starting' }, 'Up 5 seconds (health: starting)'],
    [{ state: 'paused', startedAtMs: now - 5 * S }, 'Up 5 seconds (Paused)'],
    [{ state: 'exited', finishedAtMs: now - 5 * S }, 'Exited (0) 5 seconds ago'],
    [{ state: 'restarting', exitCode: 3, finishedAtMs: now - 5 * S }, 'Restarting (3) 5 seconds ago'],
  ] as const)('%j is told as %s', (facts, words) => {
    expect(containerStatus({ exitCode: 0, ...facts }, now)).toBe(words);
  });
});

describe('moments', () => {
  const now = Date.parse('2026-01-02T03:04:05Z');
  const ns = (iso: string) => BigInt(Date.parse(iso)) * 1_000_000n;
  it.each([
    ['10m', ns('2026-01-02T02:54:05Z')],
    ['1h30m', ns('2026-01-02T01:34:05Z')],
    ['1136073600.000000001', 1136073600000000001n],
    ['2026-01-02T03:04:05.000000007Z', ns('2026-01-02T03:04:05Z') + 7n],
    ['2026-01-02T03:04+01:00', ns('2026-01-02T02:04:00Z')],
    ['2026-01-02', BigInt(new Date(2026, 0, 2).getTime()) * 1_000_000n],
  ])('%s', (text, expected) => {
    expect(parseMoment(text, now)).toBe(expected);
  });

  it.each(['yesterday', '', '10', '2026-13-01', '5 m', '1h30'].filter((text) => text !== '10'))(
    '%s is none',
    (text) => {
      expect(() => parseMoment(text, now)).toThrow('is no point in time');
    },
  );

  it('durations are added up', () => {
    fc.assert(
      fc.property(fc.nat(99), fc.nat(99), fc.nat(99), (h, m, s) => {
        expect(parseDurationNs(`${h}h${m}m${s}s`)).toBe(((h * 60 + m) * 60 + s) * 1e9);
      }),
    );
  });
});

describe('filters', () => {
  const web: ContainerFacts = {
    id: 'abcd',
    names: ['web'],
    labels: { a: '1', b: '' },
    state: 'exited',
    exitCode: 3,
    createdAtMs: 5,
    ancestors: ['busybox', `sha256:${'ab'.repeat(32)}`],
    networks: ['bridge'],
    volumes: ['data', '/data'],
    published: ['80/tcp'],
    exposed: ['80/tcp', '443/tcp'],
  };
  const rules = containerRules((name) => ({ old: 1, web: 5, new: 9 })[name] ?? 0);
  it.each([
    [['name=we'], true],
    [['name=^/web$'], true],
    [['name=db'], false],
    [['name=db', 'name=web'], true],
    [['label=a', 'label=b'], true],
    [['label=a=1', 'label=a=2'], false],
    [['status=exited', 'exited=3'], true],
    [['status=running', 'status=exited', 'exited=0'], false],
    [['since=old', 'before=new'], true],
    [['since=web'], false],
    [['ancestor=abababab'], true],
    [['network=bridge', 'volume=/data'], true],
    [['publish=70-90'], true],
    [['expose=443/udp'], false],
    [['health=none'], true],
  ])('%j', (texts, expected) => {
    expect(matches(web, parseFilters(texts, rules), rules)).toBe(expected);
  });

  it.each([
    ['nothing', 'bad format of filter nothing (expected name=value)'],
    ['nme=web', "invalid filter 'nme'"],
    ['status=up', "invalid filter 'status=up'"],
    ['__proto__=x', "invalid filter '__proto__'"],
  ])('%s is refused', (text, message) => {
    expect(() => parseFilters([text], rules)).toThrow(message);
  });

  it('labels are not found in what every object has', () => {
    expect(labelRule(() => ({})).match({}, 'toString')).toBe(false);
  });

  it.each([
    ['busybox:latest', 'busy*', true],
    ['quay.io/a/b:1', 'quay.io/*', false],
    ['quay.io/a/b:1', 'quay.io/*/b', true],
    ['quay.io/a/b:1', 'quay.io/a/b:[0-9]', true],
    ['a.b:1', 'a?b', true],
    ['axb:1', 'a\\?b', false],
  ])('%s by %s: %s', (reference, pattern, expected) => {
    expect(referenceMatches(reference, pattern)).toBe(expected);
  });
});

describe('text for a terminal', () => {
  it('cannot move the cursor, end the line or turn it round', () => {
    expect(printable('a\x1b]0;x\x07\r\n\u202eb\u009b')).toBe('a\\x1b]0;x\\x07\\r\\n\\u202eb\\x9b');
  });

  it('keeps what can be read', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => printable(text) === text));
  });
});
