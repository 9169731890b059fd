import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { inline, reportMarkdown } from '../../../src/report/markdown.js';
import { reportData } from '../../../src/report/report-data.js';
import { terminalReport } from '../../../src/report/terminal.js';
import { type MadeUpRun, madeUpRun, QUICKSTART_ARMS } from '../../fixtures/report/made-up-run.js';

const quickstart: MadeUpRun = {
  arms: [
    ...QUICKSTART_ARMS,
    { label: 'crun', boundary: 'namespaces', mediansMs: {}, excluded: 'crun is not installed' },
  ],
  blocks: 20,
};
const { manifest, rows } = madeUpRun(quickstart);
const data = reportData(manifest, rows);

describe('reportMarkdown', () => {
  it('reads well', async () => {
    await expect(reportMarkdown(data, { trials: 'trials.csv', summary: 'summary.csv' })).toMatchFileSnapshot(
      'golden/report.md',
    );
  });

  it('keeps text from becoming a table, a link or HTML', () => {
    expect(inline('a|b [c](d) <img> `e` _f_\ng')).toBe('a\\|b \\[c\\](d) &lt;img> \\`e\\` \\_f\\_ g');
  });
});

describe('terminalReport', () => {
  it('reads well', async () => {
    await expect(`${terminalReport(data, { color: false })}\n`).toMatchFileSnapshot('golden/terminal.txt');
  });

  it.each([100, 80])('fits %i columns, coloured or not', (columns) => {
    const arms = [
      ...QUICKSTART_ARMS,
      { label: 'vm-microvm-with-a-very-long-label', accel: 'tcg' as const, mediansMs: { ready: 91 } },
    ];
    const run = madeUpRun({ arms, blocks: 20 });
    for (const color of [false, true]) {
      const text = terminalReport(reportData(run.manifest, run.rows), { color, columns });
      for (const line of text.split('\n')) expect(stripVTControlCharacters(line).length).toBeLessThanOrEqual(columns);
      expect(stripVTControlCharacters(text) === text).toBe(!color);
    }
  });

  it('lets no escape sequence through', () => {
    const text = terminalReport(reportData({ ...manifest, remarks: ['\x1b[2Jgone'] }, rows), { color: false });
    expect(text).not.toContain('\x1b');
  });
});
