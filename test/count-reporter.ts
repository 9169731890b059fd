import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node';
import { SKIPS } from './skips.js';

/** What scripts/test.mjs prints as the last line, and the skips that it lists above. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
  /** Seconds of test time by folder below test/. */
  seconds: Record<string, number>;
  skips: { test: string; reason: string }[];
  /** Skipped tests without a reason of test/skips.ts; each counts as failed. */
  unlisted: string[];
}

/** Writes the counts to the file that VLAB_TEST_COUNTS names. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const path = process.env.VLAB_TEST_COUNTS;
    if (path !== undefined) writeFileSync(path, JSON.stringify(countTests(modules, errors.length)));
  }
}

function countTests(modules: readonly TestModule[], strayErrors: number): Counts {
  const counts: Counts = { passed: 0, failed: strayErrors, skipped: 0, seconds: {}, skips: [], unlisted: [] };
  const reasons = new Set<string>(Object.values(SKIPS));
  for (const module of modules) {
    const area = module.project.name;
    counts.seconds[area] = (counts.seconds[area] ?? 0) + module.diagnostic().duration / 1000;
    const failedBefore = counts.failed;
    for (const test of module.children.allTests()) countTest(test, counts, reasons);
    // A file that cannot be imported, or whose hook failed, has no failed test of its own.
    if (module.state() === 'failed' && counts.failed === failedBefore) counts.failed++;
  }
  return counts;
}

function countTest(test: TestCase, counts: Counts, reasons: ReadonlySet<string>): void {
  const result = test.result();
  const name = `${test.module.relativeModuleId} > ${test.fullName}`;
  if (result.state === 'passed') counts.passed++;
  else if (result.state === 'skipped' && test.options.mode === 'run' && reasons.has(result.note ?? '')) {
    counts.skipped++;
    counts.skips.push({ test: name, reason: result.note ?? '' });
  } else if (result.state === 'skipped') {
    counts.failed++;
    counts.unlisted.push(name);
  } else counts.failed++;
}
