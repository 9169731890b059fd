/** Files that a parser may choke on, or that are out to hurt it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { complaintLine } from '../../../src/lab/complaint.js';
import { parseScenario } from '../../../src/lab/parse-scenario.js';
import { scenarioYaml } from '../../../src/lab/scenario.js';
import { fakeScenario } from './fixtures.js';

function complaints(text: string): string[] {
  return parseScenario(text, 's.yaml').complaints.map(complaintLine);
}

test.each([
  ['an empty file', ''],
  ['only a comment', '# nothing\n'],
  ['a document mark', '---\n'],
  ['null', 'null\n'],
])('%s is told to be empty', (_, text) => {
  expect(complaints(text)).toEqual(['s.yaml:1:1: is empty; a scenario needs at least `name`, `payload` and `arms`']);
});

test.each([
  ['a list', '- a\n', 's.yaml:1:1: a scenario must be a map of keys and values, not a list'],
  ['a text', 'hello\n', 's.yaml:1:1: a scenario must be a map of keys and values, not "hello"'],
  [
    'two documents',
    'a: 1\n---\nb: 2\n',
    's.yaml:2:1: Source contains multiple documents; please use YAML.parseAllDocuments()',
  ],
])('%s is refused', (_, text, complaint) => {
  expect(complaints(text)).toEqual([complaint]);
});

test('a syntax error has its place', () => {
  expect(complaints('name: x\npayload: {rootfs: probe\narms: []\n')[0]).toMatch(/^s\.yaml:\d+:\d+: /);
});

test('a key that is there twice is told beside the other errors', () => {
  const told = complaints('name: x\nname: y\nblocks: no\n');
  expect(told).toContain('s.yaml:2:1: this key is there twice');
  expect(told).toContain('s.yaml:3:9: `blocks` must be a number, not "no"');
});

test('aliases work, and errors below them point at the anchor’s text', () => {
  const told = complaints(`name: x
payload: {rootfs: probe, command: [/probe]}
arms:
  - {driver: fake, label: a, options: &o {speed: 1}}
  - {driver: fake, label: b, options: *o, limits: &l {memory: 1}}
  - {driver: fake, label: c, limits: *l}
`);
  expect(told).toEqual([
    's.yaml:5:63: `arms[1].limits.memory` must be text, not 1; put it in quotes',
    's.yaml:5:63: `arms[2].limits.memory` must be text, not 1; put it in quotes',
  ]);
});

test('a bomb of aliases is refused quickly', () => {
  const levels = Array.from(
    { length: 12 },
    (_, level) => `a${level + 1}: &a${level + 1} [${Array(9).fill(`*a${level}`).join(',')}]`,
  );
  const startedAt = performance.now();
  expect(complaints(`a0: &a0 [x]\n${levels.join('\n')}\n`).at(-1)).toMatch(
    /cannot be read as YAML: Excessive alias count/,
  );
  expect(performance.now() - startedAt).toBeLessThan(1000);
});

test('deep nesting, a huge file and an anchor inside itself are refused, not crashed on', () => {
  for (const deep of ['['.repeat(100_000), '{a: '.repeat(50_000), '- '.repeat(100_000), '? '.repeat(100_000)]) {
    expect(complaints(deep)).toEqual(['s.yaml:1:1: is nested too deeply']);
  }
  const stairs = Array.from({ length: 600 }, (_, level) => `${' '.repeat(level)}a:`).join('\n');
  expect(complaints(stairs)).toEqual(['s.yaml:1:1: is nested too deeply']);
  expect(complaints(`name: ${'x'.repeat(300_000)}`)).toEqual([
    's.yaml:1:1: is larger than 256 KiB; a scenario is a page of text',
  ]);
  expect(complaints('name: &n [*n]\n').length).toBeGreaterThan(0);
});

test('keys that JavaScript treats specially are ordinary unknown keys', () => {
  const told = complaints('__proto__: {a: 1}\nconstructor: 2\nname: x\n');
  expect(told).toContainEqual(expect.stringMatching(/^s\.yaml:1:1: unknown key `__proto__`/));
  expect(told).toContainEqual(expect.stringMatching(/^s\.yaml:2:1: unknown key `constructor`/));
});

test('no text makes the parser throw, and every complaint has a place in the text', () => {
  const line = fc.constantFrom(
    'name: x',
    'arms:',
    '  - driver: fake',
    '    every: 0',
    'payload:',
    '  rootfs: &a probe',
    '  x: *a',
    '? [k]',
    ': v',
    '{',
    ']',
    '"',
    '!!js 1',
    '\t-',
    'baseline: *a',
    '---',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(line, { maxLength: 12 }).map((lines) => lines.join('\n')),
      ),
      (text) => {
        const parsed = parseScenario(text, 's.yaml');
        expect(parsed.scenario === undefined).toBe(parsed.complaints.length > 0);
        const lines = text.split('\n').length;
        for (const complaint of parsed.complaints) {
          expect(complaint.line).toBeGreaterThanOrEqual(1);
          expect(complaint.line).toBeLessThanOrEqual(lines + 1);
          expect(complaint.col).toBeGreaterThanOrEqual(1);
        }
      },
    ),
    { numRuns: 150 },
  );
});

test('a scenario that is written as a file reads back the same', () => {
  const { scenario } = fakeScenario(
    [
      { label: 'a', options: { timesMs: [1, 2] } },
      { label: 'b', every: 3, deadline: '1.5s' },
    ],
    { seed: 5, deadline: '2m', question: 'Why?\n', title: 'T: "x"', ready: 'exit' },
  );
  const limited = {
    ...scenario,
    arms: scenario.arms.map((arm) => ({ ...arm, limits: { memoryBytes: 1024 ** 2, cpus: 0.5, pids: 9 } })),
  };
  expect(parseScenario(scenarioYaml(limited), 's.yaml')).toMatchObject({ complaints: [], scenario: limited });
});
