/** Results side by side: as a table of text, and as docs/conformance.md. Pure. */
import { exceptionFor } from './exceptions.js';
import type { Result } from './run-suite.js';
import type { Runtime } from './runtimes.js';
import { type ConformanceTest, nameOf } from './test-type.js';

export interface RuntimeResults {
  runtime: Runtime;
  /** In the order of the tests. */
  results: Result[];
  seconds: number;
}

const WORDS: Record<Result['kind'], string> = { pass: 'pass', fail: 'FAIL', 'not applicable': 'n/a' };

export function table(tests: readonly ConformanceTest[], all: readonly RuntimeResults[]): string {
  const widths = all.map(({ runtime }) => Math.max(4, runtime.name.length) + 2);
  const row = (cells: string[], name: string) => cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('') + name;
  const head = row(
    all.map(({ runtime }) => runtime.name),
    'test',
  );
  return [
    head,
    ...tests.map((test, i) =>
      row(
        all.map(({ results }) => word(results[i])),
        nameOf(test),
      ),
    ),
  ].join('\n');
}

function word(result: Result | undefined): string {
  return result ? WORDS[result.kind] : '';
}

export function totals(all: readonly RuntimeResults[]): string {
  return all
    .map(({ runtime, results, seconds }) => `${runtime.name}: ${counts(results)}, in ${seconds.toFixed(0)} s`)
    .join('\n');
}

function counts(results: readonly Result[]): string {
  const count = (kind: Result['kind']) => results.filter((one) => one.kind === kind).length;
  return `${count('pass')} passed, ${count('fail')} failed, ${count('not applicable')} not applicable`;
}

/** Failures without an exception, and exceptions that pass: what must not be. */
export function unexplained(tests: readonly ConformanceTest[], all: readonly RuntimeResults[]): string[] {
  return all.flatMap(({ runtime, results }) =>
    tests.flatMap((test, i) => {
      const name = nameOf(test);
      const result = results[i];
      const excepted = exceptionFor(runtime.product, name) !== undefined;
      if (result?.kind === 'fail' && !excepted)
        return [`${runtime.name} fails without a reason in exceptions.ts: ${name}: ${result.why}`];
      if (result?.kind === 'pass' && excepted)
        return [`${runtime.name} passes what exceptions.ts says it does not: ${name}`];
      return [];
    }),
  );
}

export function markdown(tests: readonly ConformanceTest[], all: readonly RuntimeResults[]): string {
  return [
    '# Conformance',
    '',
    'Written by `npm run conformance -- --write`. The tests are of `test/conformance/oci`, written from the text of the runtime',
    'specification 1.3: one for each MUST, MUST NOT, SHOULD or SHOULD NOT that can be seen from outside, named by the section',
    'that asks for it. They know a runtime by its command line only (create, start, state, kill, delete), make their own root',
    'file systems, and run the test program of `src/sys/probe.c` in them. Rootless: an ordinary user calls the runtime, with a',
    'range of other ids (subuid(5)) and cgroups of its own, in a user namespace for each container; the tests look on as root.',
    '',
    'pass: it was seen. FAIL: it was not, for the reason below. n/a: the property is newer than the specification that the',
    'runtime follows, the runtime may do without it, or this machine cannot show it.',
    '',
    '| runtime | version | configurations have | pass | FAIL | n/a |',
    '|---|---|---|---|---|---|',
    ...all.map(({ runtime, results }) => {
      const numbers = (['pass', 'fail', 'not applicable'] as const).map(
        (kind) => results.filter((one) => one.kind === kind).length,
      );
      return `| ${runtime.name} | ${runtime.says} | ociVersion ${runtime.version} | ${numbers.join(' | ')} |`;
    }),
    '',
    '`/bin/true` and `/bin/false` in place of a runtime pass none of them: a refusal counts only where the same container',
    'without the fault was made.',
    '',
    '## Exceptions',
    ...together(all, ({ runtime, results }) => reasons(runtime, tests, results)),
    '',
    '## Not applicable',
    ...together(all, ({ results }) => absences(tests, results)),
    '',
    '## Tests',
    ...sections(tests).flatMap((section) => [
      '',
      `### ${section}`,
      '',
      `| | test | ${all.map(({ runtime }) => runtime.name).join(' | ')} |`,
      `|---|---|${all.map(() => '---|').join('')}`,
      ...tests.flatMap((test, i) =>
        test.section === section
          ? [`| ${test.level} | ${escaped(test.title)} | ${all.map(({ results }) => word(results[i])).join(' | ')} |`]
          : [],
      ),
    ]),
    '',
  ].join('\n');
}

/** Lists under the names of the runtimes; what is the same for several stands there once. */
function together(all: readonly RuntimeResults[], listOf: (one: RuntimeResults) => string[]): string[] {
  const groups = new Map<string, string[]>();
  for (const one of all) {
    const list = listOf(one).join('\n');
    groups.set(list, [...(groups.get(list) ?? []), one.runtime.name]);
  }
  return [...groups].flatMap(([list, names]) => ['', `### ${names.join(', and ')}`, '', list]);
}

function sections(tests: readonly ConformanceTest[]): string[] {
  return [...new Set(tests.map(({ section }) => section))];
}

/** Tests that have the same reason stand together. */
function reasons(runtime: Runtime, tests: readonly ConformanceTest[], results: readonly Result[]): string[] {
  const groups = new Map<string, string[]>();
  for (const [i, test] of tests.entries()) {
    if (results[i]?.kind !== 'fail') continue;
    const reason = exceptionFor(runtime.product, nameOf(test))?.reason ?? 'No reason is known.';
    groups.set(reason, [...(groups.get(reason) ?? []), nameOf(test)]);
  }
  if (groups.size === 0) return ['None.'];
  return [...groups].map(([reason, names]) => `- ${reason}\n${names.map((name) => `  - ${escaped(name)}`).join('\n')}`);
}

function absences(tests: readonly ConformanceTest[], results: readonly Result[]): string[] {
  const groups = new Map<string, string[]>();
  for (const [i, test] of tests.entries()) {
    const result = results[i];
    if (result?.kind !== 'not applicable') continue;
    // What was seen is of no interest where nothing was asked for.
    const reason = /^asked for since [\d.]+/.exec(result.why)?.[0] ?? result.why;
    groups.set(reason, [...(groups.get(reason) ?? []), nameOf(test)]);
  }
  if (groups.size === 0) return ['None.'];
  return [...groups].map(
    ([reason, names]) => `- ${reason}:\n${names.map((name) => `  - ${escaped(name)}`).join('\n')}`,
  );
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('*', '\\*').replaceAll('_', '\\_');
}
