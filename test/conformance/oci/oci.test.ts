// Needs root, and vlab built. vlab-oci through its planner passes the whole suite, through Node alone half of it, called by
// an ordinary user a quarter, the whole in `npm run full`; runc and crun are for `npm run conformance`, which writes docs/conformance.md.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findProgram } from '../../../src/base/find-program.js';
import { isFullRun, isRoot, needs } from '../../skips.js';
import { EXCEPTIONS, exceptionFor } from './exceptions.js';
import { type Result, SuiteRun } from './run-suite.js';
import { deaf, findRuntime, ROOTLESS, RUNTIME_NAMES, VLAB_OCI, WITH_PLANNER } from './runtimes.js';
import { SUITE } from './suite.js';
import { type ConformanceTest, nameOf } from './test-type.js';

const hasUidmap = findProgram('newuidmap') !== undefined;

describe('the suite', () => {
  test('names every test differently', () => {
    const names = SUITE.map(nameOf);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  test('has only exceptions of runtimes and tests that it knows, each once, with a sentence', () => {
    const names = new Set(SUITE.map(nameOf));
    const wrong = EXCEPTIONS.filter(
      (one) =>
        !RUNTIME_NAMES.includes(one.runtime) ||
        !names.has(one.test) ||
        exceptionFor(one.runtime, one.test) !== one ||
        !/^\S.*\.$/.test(one.reason),
    );
    expect(wrong).toEqual([]);
  });

  for (const program of ['/bin/true', '/bin/false']) {
    test(`is not passed by ${program} in place of a runtime`, async (context) => {
      needs(context, 'root', isRoot);
      const suite = await SuiteRun.open(deaf(program));
      try {
        const results = await Promise.all(SUITE.map((one) => suite.run(one)));
        const passed = SUITE.filter((_, index) => results[index]?.kind === 'pass');
        expect(passed.map(nameOf)).toEqual([]);
        expect(results.filter(({ kind }) => kind === 'fail').length).toBeGreaterThan(SUITE.length / 2);
      } finally {
        await suite.close();
      }
    });
  }
});

passes(WITH_PLANNER, SUITE);
passes(VLAB_OCI, isFullRun ? SUITE : SUITE.filter((_, index) => index % 2 === 0));
passes(ROOTLESS, isFullRun ? SUITE : SUITE.filter((_, index) => index % 4 === 1));

/** What has an exception must fail: otherwise the exception is to be removed. */
function passes(name: string, tests: readonly ConformanceTest[]): void {
  const runtime = findRuntime(name);
  if (!runtime) throw new Error(`${name} is always there`);
  describe(name, () => {
    let suite: SuiteRun | undefined;
    beforeAll(async () => {
      if (isRoot) suite = await SuiteRun.open(runtime);
    });
    afterAll(() => suite?.close());

    for (const one of tests) {
      const exception = exceptionFor(runtime.product, nameOf(one));
      const title = exception ? `${nameOf(one)} (not yet: ${exception.reason})` : nameOf(one);
      test.concurrent(title, async (context) => {
        needs(context, 'root', suite !== undefined);
        needs(context, 'uidmap', !runtime.user || hasUidmap);
        const result = (await suite?.run(one)) as Result;
        needs(context, 'conformance', result.kind !== 'not applicable');
        if (exception) expect(result.kind, 'it passes: remove its exception').toBe('fail');
        else if (result.kind === 'fail') throw new Error(result.why);
      });
    }
  });
}
