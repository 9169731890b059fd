// Needs root: life cycles of containers with SIGKILL at random moments, four at once, inside a container with limits. 60 rounds
// here; 10,000 in the full run; fewer on a busy machine, which stops them after 40 seconds and after an hour.
import { expect, test } from 'vitest';
import { isFullRun, isRoot, needs } from '../../skips.js';
import { COLD, NATIVE, Outer, STATE_ROOT, VLAB } from './outer.js';

const ROUNDS = Number(process.env.VLAB_LIFE_CYCLES ?? (isFullRun ? 10_000 : 60));
const SECONDS = isFullRun ? 3600 : 40;
const SEED = Number(process.env.VLAB_FUZZ_SEED ?? 20261124);

test(
  `${ROUNDS} life cycles with random SIGKILLs leave nothing behind, tear no state, and delete always works`,
  async (context) => {
    needs(context, 'root', isRoot);
    await using outer = await Outer.start();
    const order = { rounds: ROUNDS, seconds: SECONDS, seed: SEED, lanes: 4, stateRoot: STATE_ROOT };
    const report = await outer.ask('lifeCycles', { ...order, native: NATIVE, cold: COLD, vlab: VLAB });
    const { violations, ...counts } = report;
    console.log(JSON.stringify(counts));
    expect(violations).toEqual([]);
    // Nobody passes by doing nothing: most of it was reached, and who was left alone went all the way.
    expect(report.rounds).toBeGreaterThanOrEqual(Math.min(ROUNDS, isFullRun ? 1000 : 20));
    expect(report.undisturbed).toBeGreaterThanOrEqual(report.rounds / 20);
    for (const status of ['created', 'running', 'stopped', 'none'])
      expect(report.states[status], status).toBeGreaterThan(0);
    expect(report.kills.command).toBeGreaterThanOrEqual(report.rounds / 10);
    if (!isFullRun) return; // few rounds may not meet every victim alive
    for (const victim of ['child', 'container', 'planner']) expect(report.kills[victim], victim).toBeGreaterThan(0);
  },
  (SECONDS + 120) * 1000,
);
