import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { armTrials } from '../../../src/report/arm-trials.js';
import { scaleGroups } from '../../../src/report/charts/stacked-checkpoints.js';
import { checkpointStack } from '../../../src/report/checkpoint-stack.js';
import { reportArms, reportData } from '../../../src/report/report-data.js';
import { type MadeUpRun, madeUpRun, QUICKSTART_ARMS } from '../../fixtures/report/made-up-run.js';

function stacks(run: MadeUpRun) {
  const { manifest, rows } = madeUpRun(run);
  const arms = armTrials(rows, reportArms(reportData(manifest, rows)));
  return new Map(arms.map(({ arm, trials }) => [arm.anchor, checkpointStack(trials)]));
}

describe('checkpointStack', () => {
  it('leaves out what an arm does not show and gives its time to the next checkpoint', () => {
    const pieces = stacks({ arms: QUICKSTART_ARMS, blocks: 20 }).get('rows-runc') ?? [];
    expect(pieces.map(({ metric }) => metric)).toEqual(['spawned', 'firstByte', 'ready', 'exited', 'clean']);
  });

  it('gives pieces that are not negative and add up to the last checkpoint', () => {
    fc.assert(
      fc.property(fc.nat({ max: 1000 }), fc.integer({ min: 1, max: 12 }), (seed, blocks) => {
        for (const pieces of stacks({ arms: QUICKSTART_ARMS, blocks, seed, spread: 0.5 }).values()) {
          let sum = 0;
          for (const piece of pieces) {
            expect(piece.lengthMs).toBeGreaterThanOrEqual(0);
            sum += piece.lengthMs;
            expect(sum).toBeCloseTo(piece.untilMs, 6);
          }
        }
      }),
      { numRuns: 12 },
    );
  });
});

describe('scaleGroups', () => {
  it('keeps together what one linear scale can show', () => {
    const arm = (name: string, untilMs: number) => ({
      name,
      pieces: [{ metric: 'clean' as const, untilMs, lengthMs: untilMs }],
    });
    const groups = scaleGroups([arm('vm', 700), arm('process', 1), arm('runc', 36), arm('container', 3)]);
    expect(groups.map((group) => group.map(({ name }) => name))).toEqual([['process', 'container'], ['runc'], ['vm']]);
  });
});
