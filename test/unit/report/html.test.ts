import { describe, expect, it } from 'vitest';
import { reportHtml } from '../../../src/report/html.js';
import { escapeHtml, html } from '../../../src/report/html-text.js';
import { type ReportData, reportData } from '../../../src/report/report-data.js';
import { type MadeUpRun, madeUpRun, QUICKSTART_ARMS } from '../../fixtures/report/made-up-run.js';

const LINKS = {
  trials: '../../results/R/trials.csv',
  summary: '../../results/R/summary.csv',
  manifest: 'manifest.json',
};

function data(run: MadeUpRun): ReportData {
  const { manifest, rows } = madeUpRun(run);
  return reportData(manifest, rows);
}

const quickstart: MadeUpRun = {
  arms: [
    ...QUICKSTART_ARMS,
    { label: 'crun', boundary: 'namespaces', mediansMs: {}, excluded: 'crun is not installed' },
  ],
  blocks: 20,
};

/** What a person reads: the text, a line for each block element and a bar between cells, without the drawings. */
function readable(page: string): string {
  return page
    .replace(/<(style|script|svg)\b[\s\S]*?<\/\1>/g, '')
    .replace(/\s+/g, ' ')
    .replace(/<\/t[hd]>(?=<t[hd])/g, ' | ')
    .replace(
      /<\/?(?:p|h\d|li|tr|dd|summary|figcaption|div|pre|title|thead|tbody|ul|dl|header|main|figure|section|details)\b[^>]*>/g,
      '\n',
    )
    .replace(/<\/dt>/g, ': ')
    .replace(/<[^>]+>/g, '')
    .replaceAll('&quot;', '"')
    .replace(/ *\n[ \n]*/g, '\n')
    .trim();
}

describe('html', () => {
  it('escapes what is put in, and nothing twice', () => {
    const hostile = `<b a="1" c='2'>&amp;`;
    expect(html`<p title="${hostile}">${[html`<i>${hostile}</i>`, 3, undefined]}</p>`.text).toBe(
      '<p title="&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;"><i>&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;</i>3</p>',
    );
    expect(escapeHtml('plain')).toBe('plain');
  });
});

describe('reportHtml', () => {
  const page = reportHtml(data(quickstart), LINKS);

  it('reads well', async () => {
    const [untilRowsOfFirstArm] = readable(page).split('\nchroot: 21 trials');
    await expect(`${untilRowsOfFirstArm}\n`).toMatchFileSnapshot('golden/page.txt');
  });

  it('gives the same page for the same rows', () => {
    expect(reportHtml(data(quickstart), LINKS)).toBe(page);
  });

  it('loads nothing from anywhere', () => {
    const addresses = [...page.matchAll(/(?:src|href|xlink:href|url|action)\s*[=(]\s*["']?([^"')\s>]+)/g)].map(
      ([, to]) => to as string,
    );
    expect(addresses.length).toBeGreaterThan(5);
    for (const address of addresses) expect(address).toMatch(/^(#|data:,$|\.\.\/\.\.\/results\/)/);
    expect(page.replaceAll('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/https?:\/\//);
    expect(page).not.toContain('@import');
  });

  it('has an id for each link inside, and each id once', () => {
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id as string);
    const targets = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id as string);
    expect(new Set(ids).size).toBe(ids.length);
    expect(targets.length).toBeGreaterThanOrEqual(5);
    for (const target of targets) expect(ids).toContain(target);
  });

  it('names software emulation wherever it names an emulated arm', () => {
    const named = [...page.matchAll(/>\s*(vm\b[^<:]*)/g)].map(([, text]) => (text as string).trim());
    expect(named.length).toBeGreaterThan(10);
    // The driver's own row in the table of differences holds the name of the driver, not of the arm.
    for (const text of named.filter((each) => each !== 'vm')) expect(text).toMatch(/^vm \(TCG, software emulation\)/);
    expect(named.filter((each) => each === 'vm')).toHaveLength(1);
    expect(page).toContain('nothing about the speed of hardware virtualization can be concluded');
  });

  it('lets no name, reason or question become markup, not even in a drawing', () => {
    const attack = `"><img src=x onerror=alert(1)>'</script>`;
    const run = madeUpRun({
      arms: [
        { label: 'process', mediansMs: { ready: 1, clean: 2 } },
        { label: attack, mediansMs: { ready: 2, clean: 3 } },
      ],
      blocks: 6,
    });
    const { manifest } = run;
    const rows = run.rows.map((row) =>
      row.block === 2 && row.arm === attack ? { ...row, outcome: 'failed' as const, reason: attack } : row,
    );
    const hostile = reportData(
      {
        ...manifest,
        run: attack,
        command: attack,
        argv: [attack],
        remarks: [attack],
        partial: true,
        partialReason: attack,
        scenario: { ...manifest.scenario, title: attack, question: attack },
        arms: manifest.arms.map((arm) => ({
          ...arm,
          summary: attack,
          notes: [attack],
          version: attack,
          options: { [attack]: attack },
        })),
      },
      rows,
    );
    const attacked = reportHtml(hostile, LINKS);
    expect(attacked).not.toContain('<img');
    expect(attacked.match(/<\/script>/g)).toHaveLength(1);
    expect(attacked.split('&lt;img src=x onerror').length).toBeGreaterThan(15);
  });

  it('says when the run is partial, and works with one row', () => {
    const { manifest, rows } = madeUpRun({
      ...quickstart,
      manifest: { partial: true, partialReason: 'interrupted by SIGINT' },
    });
    for (const count of [0, 1, 30]) {
      const partial = reportHtml(reportData(manifest, rows.slice(0, count)), LINKS);
      expect(readable(partial)).toMatch(
        /This run is partial \(interrupted by SIGINT\): \d+ of \d+ planned trials have rows/,
      );
    }
  });

  it('works without the baseline arm', () => {
    const { manifest, rows } = madeUpRun(quickstart);
    const without = reportHtml(
      reportData(
        manifest,
        rows.filter(({ arm }) => arm !== 'process'),
      ),
      LINKS,
    );
    expect(readable(without)).toContain('No arm has an interval.');
  });

  it('holds 100,000 rows in seconds', () => {
    const arms = Array.from({ length: 25 }, (_, index) => ({
      label: `arm-${index}`,
      mediansMs: { spawned: 1, exec: 2, ready: 3 + index, clean: 40 },
    }));
    const run = madeUpRun({ arms, blocks: 500, warmup: 0 });
    expect(run.rows).toHaveLength(100_000);
    const began = performance.now();
    const large = reportHtml(reportData(run.manifest, run.rows), LINKS);
    expect(performance.now() - began).toBeLessThan(15_000);
    expect(large.length).toBeLessThan(6e6);
    expect(readable(large)).toContain('The first 200 of them; all are in trials.csv.');
  }, 30_000);
});
