// `npm test`: does what set-up vlab itself needs, runs all the tests, and ends with one line of counts.
// `npm run full` (--full) runs the long rest too and writes docs/full-run.md. Further words go to vitest
// (`npm test -- --project unit`), and then only those tests count.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureGuestKernel } from './guest-kernel.mjs';
import { isBuilt } from './is-built.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const words = process.argv.slice(2);
const full = words.includes('--full');
const forVitest = words.filter((word) => word !== '--full');
const started = Date.now();

if (!isBuilt(root)) run(process.execPath, ['scripts/build.mjs'], 'the build');
if (forVitest.length === 0) {
  // Without a guest kernel the tests that boot one are skipped, by name.
  if (!ensureGuestKernel(root)) console.log('no guest kernel: tests that boot one will be skipped');
}

const folder = mkdtempSync(join(tmpdir(), 'vlab-counts-'));
const countsPath = join(folder, 'counts.json');
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const tests = spawnSync(
  process.execPath,
  [vitest, 'run', '--reporter=default', '--reporter=./test/count-reporter.ts', ...forVitest],
  {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, VLAB_TEST_COUNTS: countsPath, ...(full ? { VLAB_FULL: '1' } : {}) },
  },
);
const counts = readCounts();
rmSync(folder, { recursive: true });

if (counts.skips.length > 0) console.log('\nSkipped:');
for (const { test, reason } of counts.skips) console.log(`  ${test}: ${reason}`);
if (counts.unlisted.length > 0) console.log('\nSkipped without a reason of test/skips.ts, which counts as failed:');
for (const test of counts.unlisted) console.log(`  ${test}`);
const minutes = ((Date.now() - started) / 60_000).toFixed(1);
const areas = Object.entries(counts.seconds).map(([area, seconds]) => `${area} ${seconds.toFixed(1)} s`);
console.log(`\n${minutes} minutes in all; ${areas.join(', ')}`);
const line = `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
if (full && forVitest.length === 0) writeFullRun(line, minutes, areas);
console.log(line);
process.exitCode = counts.failed > 0 || counts.passed === 0 || tests.status !== 0 ? 1 : 0;

/** @returns {import('../test/count-reporter.ts').Counts} */
function readCounts() {
  try {
    return JSON.parse(readFileSync(countsPath, 'utf8'));
  } catch {
    console.log(`vitest ended with ${tests.status ?? tests.signal} before it counted`);
    return { passed: 0, failed: 1, skipped: 0, seconds: {}, skips: [], unlisted: [] };
  }
}

/** @param {string} line @param {string} minutes @param {string[]} areas */
function writeFullRun(line, minutes, areas) {
  const kernel = spawnSync('uname', ['-srm'], { encoding: 'utf8' }).stdout.trim();
  const skips = counts.skips.map(({ test, reason }) => `- ${test}: ${reason}\n`).join('');
  writeFileSync(
    join(root, 'docs/full-run.md'),
    `# Last full run\n\n\`npm run full\` on ${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}, ${kernel}:\n\n` +
      `**${line}** in ${minutes} minutes (${areas.join(', ')}).\n\n${skips === '' ? '' : `Skipped:\n\n${skips}`}`,
  );
}

/** @param {string} command @param {string[]} args @param {string} what */
function run(command, args, what) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (status === 0) return;
  console.log(`${what} failed\n0 passed, 1 failed, 0 skipped`);
  process.exit(1);
}
