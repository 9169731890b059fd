import { describe, expect, it } from 'vitest';
import type { Row } from '../../../src/lab/row.js';
import { headlines } from '../../../src/report/headlines.js';
import { busyNote, failures, type ReportData, reportArms, reportData } from '../../../src/report/report-data.js';
import { type MadeUpRun, madeUpRun, QUICKSTART_ARMS } from '../../fixtures/report/made-up-run.js';

function data(run: MadeUpRun): ReportData {
  const { manifest, rows } = madeUpRun(run);
  return reportData(manifest, rows);
}

const sentences = (report: ReportData): string[] => headlines(report).map(({ name, text }) => `${name} ${text}`);

describe('headlines', () => {
  it('say what was measured, beside what, and how sure it is', () => {
    expect(sentences(data({ arms: QUICKSTART_ARMS, blocks: 20 }))).toMatchInlineSnapshot(`
      [
        "process was ready after 0.824 ms (median of 20); it is the baseline.",
        "chroot was ready after 0.896 ms (median of 20): 1.122 times as long as process, 95 % interval 1.047 to 1.162.",
        "container was ready after 1.90 ms (median of 20): 2.37 times as long as process, 95 % interval 2.21 to 2.47.",
        "runc was ready after 32.8 ms (median of 18): 40.6 times as long as process, 95 % interval 36.6 to 41.9. 2 trials failed.",
        "vm (TCG, software emulation) was ready after 698 ms (median of 5): 844 times as long as process, 95 % interval 634 to 1020.",
      ]
    `);
  });

  it('call an A/A run not distinguishable', () => {
    const one = { driver: 'container', mediansMs: { ready: 2 } };
    const [, second] = sentences(
      data({
        arms: [
          { label: 'a', ...one },
          { label: 'b', ...one },
        ],
        blocks: 20,
        seed: 3,
      }),
    );
    expect(second).toMatch(/not distinguishable from a: ratio [\d.]+, 95 % interval [\d.]+ to [\d.]+ holds 1\./);
    expect(second).not.toMatch(/times as long/);
  });

  it('claim nothing from too few blocks', () => {
    const [, second] = sentences(data({ arms: QUICKSTART_ARMS.slice(0, 2), blocks: 4 }));
    expect(second).toMatch(/4 blocks shared with process are too few for an interval\.$/);
  });

  it('say that the baseline is missing', () => {
    const { manifest, rows } = madeUpRun({ arms: QUICKSTART_ARMS, blocks: 6 });
    const report = reportData(
      manifest,
      rows.filter(({ arm }) => arm !== 'process'),
    );
    expect(sentences(report)[0]).toMatch(/^chroot .*the baseline process shows no such time, so there is no ratio\.$/);
  });

  it('name the accelerator whenever they name the arm', () => {
    for (const { name, text } of headlines(data({ arms: QUICKSTART_ARMS, blocks: 20 }))) {
      const said = `${name} ${text}`;
      expect(said.match(/\bvm\b/g)?.length ?? 0).toBe(said.match(/\bvm \(TCG, software emulation\)/g)?.length ?? 0);
    }
    const tcgBaseline = data({ arms: [...QUICKSTART_ARMS].reverse(), blocks: 20 });
    expect(sentences(tcgBaseline).join('\n')).not.toMatch(/as vm[,.]/);
    expect(sentences(tcgBaseline).join('\n')).toMatch(/as long as vm \(TCG, software emulation\)/);
  });

  it('say when every trial of an arm failed', () => {
    const arms = [QUICKSTART_ARMS[0], { label: 'runc', mediansMs: {}, fails: [0, 1, 2] }] as MadeUpRun['arms'];
    expect(sentences(data({ arms, blocks: 3, warmup: 0 }))[1]).toBe('runc never started: 3 trials failed.');
  });

  it('say why an arm was left out', () => {
    const arms = [
      QUICKSTART_ARMS[0],
      { label: 'vm', mediansMs: {}, excluded: 'there is no guest kernel' },
    ] as MadeUpRun['arms'];
    const { manifest, rows } = madeUpRun({ arms, blocks: 3 });
    const skipped = {
      ...(rows[0] as Row),
      arm: 'vm',
      metric: 'start' as const,
      value: undefined,
      outcome: 'skipped' as const,
    };
    const report = reportData(manifest, [...rows, { ...skipped, warmup: false, reason: 'there is no guest kernel' }]);
    expect(sentences(report)[1]).toBe('vm was left out before the first trial: there is no guest kernel.');
    expect(failures(report)).toEqual([]);
  });

  it('are accompanied by a note when others used the machine', () => {
    const report = data({ arms: QUICKSTART_ARMS, blocks: 3 });
    expect(busyNote(report)).toBeUndefined();
    const { manifest } = report;
    const note = busyNote({
      ...report,
      manifest: { ...manifest, pressureBefore: { load1: 7.4, load5: 6, load15: 3 } },
    });
    expect(note).toMatch(/^The machine was busy when the run began: load 7\.4 on 4 CPUs\. /);
  });

  it('link to rows that are there', () => {
    const report = data({ arms: QUICKSTART_ARMS, blocks: 20 });
    const anchors = reportArms(report).map(({ anchor }) => `${anchor}-ready`);
    expect(headlines(report).map(({ anchor }) => anchor)).toEqual(anchors);
    expect(new Set(anchors).size).toBe(anchors.length);
  });
});
