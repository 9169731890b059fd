import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeRows, ROWS_HEADER } from '../../../src/lab/row-csv.js';
import { writeReport } from '../../../src/report/write-report.js';
import { madeUpRun, QUICKSTART_ARMS } from '../../fixtures/report/made-up-run.js';

describe('writeReport', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'vlab-report-'));
  });
  afterAll(() => rm(dir, { recursive: true }));

  async function runFolder(name: string, torn = ''): Promise<string> {
    const { manifest, rows } = madeUpRun({ arms: QUICKSTART_ARMS, blocks: 6 });
    const folder = join(dir, 'results', name);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
    await writeFile(join(folder, 'trials.csv'), ROWS_HEADER + encodeRows(rows) + torn);
    await writeFile(join(folder, 'summary.csv'), '');
    return folder;
  }

  it('makes a page and a text whose links lead to the rows', async () => {
    const run = await runFolder('a run');
    const reportDir = join(dir, 'reports', 'a run');
    const { html, markdown, data } = await writeReport(run, reportDir);
    expect(data.summary.length).toBeGreaterThan(20);
    for (const file of [html, markdown]) {
      const links = [...(await readFile(file, 'utf8')).matchAll(/(?:href="|\]\()([^"()#]*\.csv)/g)];
      expect(links.length).toBeGreaterThanOrEqual(2);
      for (const [, link] of links) await stat(resolve(reportDir, decodeURIComponent(link as string)));
    }
  });

  it('reads a run whose last row was torn by a kill', async () => {
    const { data } = await writeReport(await runFolder('torn', '7,99,process,pro'), join(dir, 'reports', 'torn'));
    const whole = await writeReport(await runFolder('whole'), join(dir, 'reports', 'whole'));
    expect(data.rows).toEqual(whole.data.rows);
  });

  it('says what is wrong with a folder that is no run, and with one it cannot write', async () => {
    await expect(writeReport(join(dir, 'nowhere'), join(dir, 'reports', 'x'))).rejects.toMatchObject({
      blame: 'input',
    });
    await writeFile(join(dir, 'file'), '');
    await expect(writeReport(await runFolder('b'), join(dir, 'file', 'x'))).rejects.toMatchObject({
      blame: 'input',
      message: expect.stringContaining('ENOTDIR'),
    });
  });
});
