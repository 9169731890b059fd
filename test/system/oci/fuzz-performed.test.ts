// Needs root: mutated configurations performed for real, each inside a container with limits. 1,000 in the full run.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mutations } from '../../fixtures/oci/mutations.js';
import { isFullRun, isRoot, needs } from '../../skips.js';
import { COLD, NATIVE, Outer, STATE_ROOT } from './outer.js';

const CASES = Number(process.env.VLAB_FUZZ ?? (isFullRun ? 1000 : 40));
const SEED = Number(process.env.VLAB_FUZZ_SEED ?? 20261124);
const TIMEOUT_MS = 10_000;
/** Of all, so many are performed by the cold runtime. */
const COLD_SHARE = 10;

/** By its place in the configuration, by its step, or in the words that engines look for. */
const TOLD = [
  /config\.json( is no JSON: |: )\S/,
  /could not .*: step \d+, /s,
  /exec: ".*": /s,
  /hook \d+ \(.*\) (failed|did not end)/s,
];

test(
  `each of ${CASES} mutated configurations is performed or fails with its place or step, and leaves nothing`,
  async (context) => {
    needs(context, 'root', isRoot);
    await using outer = await Outer.start();
    await outer.startPlanner();
    await outer.sh('mkdir -p /bundles/shared');
    const cases = [[], ...fc.sample(mutations, { seed: SEED, numRuns: CASES })];
    const wrong: string[] = [];
    let [succeeded, failed] = [0, 0];
    const perform = async (runtime: string[], some: typeof cases) => {
      const order = { runtime: [...runtime, '--root', STATE_ROOT], stateRoot: STATE_ROOT, timeoutMs: TIMEOUT_MS };
      let rest = some;
      while (rest.length > 0 && wrong.length < 10) {
        const outcomes = await outer.ask('performConfigs', { ...order, cases: rest });
        outcomes.forEach(({ ran, left }, index) => {
          const of = `${JSON.stringify(rest[index])}: ${JSON.stringify({ ran, left }).slice(0, 1500)}`;
          if (Object.keys(left).length > 0) wrong.push(`left something: ${of}`);
          for (const { code, stderr, late } of ran) {
            if (late) wrong.push(`too late: ${of}`);
            else if (code === 0) succeeded++;
            else {
              failed++;
              const said =
                /^probe: /.test(stderr) || (TOLD.some((words) => words.test(stderr)) && !/^\s+at /m.test(stderr));
              if (code === null || !(said || (stderr === '' && code < 125))) wrong.push(`not told: ${of}`);
            }
          }
        });
        rest = rest.slice(outcomes.length);
      }
      return rest;
    };
    // Unchanged, it runs.
    const unchanged = { runtime: [...NATIVE, '--root', STATE_ROOT], stateRoot: STATE_ROOT, timeoutMs: TIMEOUT_MS };
    const [plain] = await outer.ask('performConfigs', { ...unchanged, cases: [[]] });
    expect(plain).toMatchObject({ ran: [{ code: 0, stderr: '' }], left: {} });
    const cold = Math.ceil(CASES / COLD_SHARE);
    await perform(COLD, cases.slice(0, cold));
    await perform(NATIVE, cases.slice(cold));
    console.log(JSON.stringify({ succeeded, failed }));
    expect(wrong).toEqual([]);
    expect(succeeded).toBeGreaterThan(CASES / 20);
    expect(failed).toBeGreaterThan(CASES / 10);
  },
  CASES * 3000 + 60_000,
);
