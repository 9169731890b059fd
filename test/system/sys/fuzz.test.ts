// A hundred thousand mangled plans against the interpreter, which performs none of them: test/fixtures/fuzz-plans.c is built
// with the address and undefined-behaviour sanitizers around vlab-init.c, and says what it checks. Needs a compiler with both.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { encodePlan } from '../../../src/sys/encode.js';
import { launcherPlan } from '../../../src/sys/launcher.js';
import { isFullRun, needs } from '../../skips.js';
import { LIMITS, planFor, SITUATIONS } from '../../unit/container/situations.js';
import { everythingPlan, notePlan } from '../../unit/sys/example-plans.js';

/** Stored, so that a failure can be had again; the fuzzer names the round. */
const SEED = 20_260_611;
const ROUNDS = isFullRun ? 2_000_000 : 100_000;

const source = resolve(import.meta.dirname, '../../fixtures/fuzz-plans.c');
const folder = mkdtempSync(join(tmpdir(), 'vlab-fuzz-'));
const program = join(folder, 'fuzz-plans');
const sanitizers = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
let built = false;

beforeAll(() => {
  const probe = join(folder, 'empty.c');
  writeFileSync(probe, 'int main(void) { return 0; }\n');
  const works = spawnSync('cc', [...sanitizers, '-o', join(folder, 'empty'), probe]).status === 0;
  if (!works || process.arch !== 'x64') return;
  const warnings = ['-Wall', '-Wextra', '-Werror', '-Wno-parentheses'];
  execFileSync('cc', ['-O1', '-g', '-std=gnu11', ...warnings, ...sanitizers, '-o', program, source]);
  built = true;
});
beforeEach((context) => needs(context, 'sanitizers', built));
afterAll(() => rmSync(folder, { recursive: true }));

/** What is mangled: plans of every size and kind, encoded for the fuzzer's machine and version. */
function plans(): string[] {
  const { hybrid, v2, rootless } = SITUATIONS;
  const all = [
    notePlan(),
    everythingPlan('x86_64'),
    planFor(hybrid, LIMITS),
    planFor(v2, { ...LIMITS, terminal: true }),
    planFor(rootless, { readonlyRoot: true }),
    launcherPlan('/init', '/dir', ['/a', '/b']),
  ];
  return all.map((plan, index) => {
    const path = join(folder, `plan-${index}`);
    writeFileSync(path, encodePlan({ ...plan, arch: 'x86_64', reply: plan.reply }, 1n));
    return path;
  });
}

function fuzz(seed: number, rounds: number) {
  const ran = spawnSync(program, [String(seed), String(rounds), ...plans()], { encoding: 'utf8' });
  const counts = Object.fromEntries(
    ran.stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
      .map(([name = '', count]) => [name, Number(count)]),
  );
  return { status: ran.status, said: ran.stderr.slice(0, 4000) + (ran.status === 0 ? '' : ran.stdout), counts };
}

describe(`${ROUNDS} mangled plans`, () => {
  it('harm nothing: bounds hold, steps stay, every plan ends', { timeout: isFullRun ? 1_200_000 : 120_000 }, () => {
    const { status, said, counts } = fuzz(SEED, ROUNDS);
    expect([status, said]).toEqual([0, '']);
    expect(counts.rounds).toBe(ROUNDS);
    // Many get past the checks, many do not, and those that do get somewhere.
    expect(counts.accepted).toBeGreaterThan(ROUNDS / 5);
    expect(counts.rejections).toBeGreaterThan(ROUNDS / 5);
    expect(counts.replies).toBeGreaterThan(ROUNDS / 10);
    expect(counts.steps).toBeGreaterThan(ROUNDS);
  });

  it('are the same ones for the same seed', () => {
    expect(fuzz(7, 500)).toEqual(fuzz(7, 500));
    expect(fuzz(7, 500).counts).not.toEqual(fuzz(8, 500).counts);
  });
});
