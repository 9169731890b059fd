import { describe, expect, it } from 'vitest';
import { type Comparison, compareRuns } from '../../../src/report/compare.js';
import { comparisonMarkdown, comparisonTerminal } from '../../../src/report/compare-text.js';
import { type MadeUpArm, madeUpRun, QUICKSTART_ARMS } from '../../fixtures/report/made-up-run.js';

/** The arms with all times of some of them `factor` times as long. */
function slower(factor: number, of: (arm: MadeUpArm) => boolean): MadeUpArm[] {
  return QUICKSTART_ARMS.map((arm) =>
    of(arm)
      ? {
          ...arm,
          mediansMs: Object.fromEntries(Object.entries(arm.mediansMs).map(([metric, ms]) => [metric, ms * factor])),
        }
      : arm,
  );
}

const before = madeUpRun({ arms: QUICKSTART_ARMS, blocks: 40, seed: 1, spread: 0.03 });
const second = (arms: MadeUpArm[]) =>
  madeUpRun({ arms, blocks: 40, seed: 2, spread: 0.03, manifest: { run: '20260103-030405-quickstart-cd34' } });

function ready(comparison: Comparison, arm: string) {
  const line = comparison.lines.find((each) => each.arm === arm && each.metric === 'ready');
  if (!line) throw new Error(`no line for ${arm}`);
  return line;
}

describe('compareRuns', () => {
  it('finds a planted 20 %, with an interval that holds it', () => {
    const { relative, ...line } = ready(
      compareRuns(before, second(slower(1.2, ({ label }) => label === 'container'))),
      'container',
    );
    expect(line.verdict).toBe('distinguishable');
    expect(line.ratioLow).toBeLessThan(1.2);
    expect(line.ratioHigh).toBeGreaterThan(1.2);
    expect(relative).toMatchObject({ verdict: 'distinguishable' });
    expect(relative?.low).toBeLessThan(1.2);
    expect(relative?.high).toBeGreaterThan(1.2);
  });

  it('shows beside the baseline that only the machine was slower', () => {
    const comparison = compareRuns(before, second(slower(1.5, () => true)));
    for (const arm of ['chroot', 'container', 'runc']) {
      const { verdict, relative } = ready(comparison, arm);
      expect([arm, verdict, relative?.verdict]).toEqual([arm, 'distinguishable', 'not distinguishable']);
    }
    expect(ready(comparison, 'process')).not.toHaveProperty('relative');
  });

  it('turns over when the runs change places', () => {
    const after = second(QUICKSTART_ARMS);
    const there = ready(compareRuns(before, after), 'runc');
    const back = ready(compareRuns(after, before), 'runc');
    expect((there.ratio as number) * (back.ratio as number)).toBeCloseTo(1, 9);
    expect(there.before).toEqual(back.after);
  });

  it('refuses to compare KVM with TCG, and says what is in one run only', () => {
    const kvm = QUICKSTART_ARMS.filter(({ label }) => label !== 'chroot').map((arm) =>
      arm.label === 'vm' ? { ...arm, accel: 'kvm' as const } : arm,
    );
    const { lines, remarks } = compareRuns(before, second(kvm));
    expect(lines.some(({ arm }) => arm === 'vm')).toBe(false);
    expect(remarks).toEqual([
      'chroot is only in the first run',
      'vm is not compared: it ran under TCG, software emulation before and under KVM after',
    ]);
  });

  it('names what else changed', () => {
    const after = second(QUICKSTART_ARMS);
    const { manifest } = after;
    const changed = {
      ...after,
      manifest: { ...manifest, partial: true, payload: { ...manifest.payload, programSha256: 'f00d'.repeat(16) } },
    };
    expect(compareRuns(before, changed).remarks).toEqual([
      'program: fedcba9876543210 before, f00df00df00df00d after',
      '20260103-030405-quickstart-cd34 is partial',
    ]);
  });

  it('is a value that JSON keeps', () => {
    const comparison = compareRuns(before, second(QUICKSTART_ARMS));
    expect(JSON.parse(JSON.stringify(comparison))).toEqual(comparison);
  });

  it('reads well', async () => {
    const comparison = compareRuns(before, second(slower(1.2, ({ label }) => label === 'container')));
    const terminal = comparisonTerminal(comparison, { color: false });
    for (const line of terminal.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    await expect(`${terminal}\n`).toMatchFileSnapshot('golden/compare.txt');
    await expect(comparisonMarkdown(comparison, { all: true })).toMatchFileSnapshot('golden/compare.md');
  });

  it('says when there is nothing to compare', () => {
    const nothing = compareRuns({ ...before, rows: [] }, second(QUICKSTART_ARMS));
    expect(comparisonTerminal(nothing, { color: false })).toContain('no arm and metric is in both runs');
  });
});
