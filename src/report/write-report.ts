/** Writes reports/RUN/ from results/RUN/. The only file of the reports that touches the disk. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { errnoOf, VlabError } from '../base/errors.js';
import { ownedBySudoCaller } from '../base/owner.js';
import { RUN_FILES, readManifest, readRows } from '../lab/run-folder.js';
import { reportHtml } from './html.js';
import { reportMarkdown } from './markdown.js';
import { type ReportData, reportData } from './report-data.js';

export interface WrittenReport {
  /** Paths of the files. */
  html: string;
  markdown: string;
  data: ReportData;
}

/**
 * Makes the report of the run in `runDir` again from its rows; partial runs too. Throws an `input` error when the folder is
 * no run or the report cannot be written.
 */
export async function writeReport(runDir: string, reportDir: string): Promise<WrittenReport> {
  const data = reportData(await readManifest(runDir), await readRows(runDir));
  const address = (file: string): string =>
    relative(resolve(reportDir), join(resolve(runDir), file))
      .split(sep)
      .map(encodeURIComponent)
      .join('/');
  const links = {
    trials: address(RUN_FILES.trials),
    summary: address(RUN_FILES.summary),
    manifest: address(RUN_FILES.manifest),
  };
  const files = { html: join(reportDir, 'index.html'), markdown: join(reportDir, 'report.md') };
  try {
    const made = await mkdir(reportDir, { recursive: true });
    if (made !== undefined) ownedBySudoCaller(resolve(made));
    ownedBySudoCaller(resolve(reportDir));
    await writeFile(files.html, reportHtml(data, links));
    await writeFile(files.markdown, reportMarkdown(data, links));
    ownedBySudoCaller(files.html);
    ownedBySudoCaller(files.markdown);
  } catch (cause) {
    const code = errnoOf(cause);
    if (code === undefined) throw cause;
    throw new VlabError('input', `the report cannot be written to ${reportDir}: ${code}`, {
      hint: 'make room there, or name a folder of your own with --reports DIR',
      cause,
    });
  }
  return { ...files, data };
}
