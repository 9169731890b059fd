/** The command of scripts/conformance.mjs: runs the suite on runtimes side by side, prints the table, writes the document. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../../../src/base/paths.js';
import { markdown, type RuntimeResults, table, totals, unexplained } from './report.js';
import { SuiteRun } from './run-suite.js';
import { findRuntime, RUNTIME_NAMES, type Runtime } from './runtimes.js';
import { SUITE } from './suite.js';
import { nameOf } from './test-type.js';

const { values } = parseArgs({
  options: {
    /** Each may be given: otherwise all that are installed. */
    runtime: { type: 'string', multiple: true },
    /** Only tests whose name has this text. */
    only: { type: 'string', default: '' },
    /** Why each test did not pass. */
    why: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

const tests = SUITE.filter((test) => nameOf(test).includes(values.only));
const runtimes = (values.runtime ?? RUNTIME_NAMES).flatMap((name): Runtime[] => {
  const found = findRuntime(name);
  if (!found) console.log(`${name}: not installed`);
  return found ? [found] : [];
});

let open: SuiteRun | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await open?.close();
    process.exit(130);
  });
}

const all: RuntimeResults[] = [];
for (const runtime of runtimes) {
  const from = Date.now();
  const suite = await SuiteRun.open(runtime);
  open = suite;
  try {
    const results = await Promise.all(tests.map((test) => suite.run(test)));
    all.push({ runtime, results, seconds: (Date.now() - from) / 1000 });
    if (!values.why) continue;
    for (const [index, result] of results.entries()) {
      const test = tests[index];
      if (test && result.kind !== 'pass')
        console.log(`${runtime.name} ${result.kind} ${nameOf(test)}\n  ${result.why}`);
    }
  } finally {
    open = undefined;
    await suite.close();
  }
}
console.log(table(tests, all));
console.log(totals(all));
for (const line of unexplained(tests, all)) {
  console.log(line);
  process.exitCode = 1;
}
if (values.write) writeFileSync(join(packageRoot(), 'docs/conformance.md'), markdown(tests, all));
