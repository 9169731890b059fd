import { basename, join } from 'node:path';
import { VlabError } from '../base/errors.js';
import { RUN_FILES, readManifest, readRows } from '../lab/run-folder.js';
import type { SummaryLine } from '../lab/summarise.js';
import { reportData } from '../report/report-data.js';
import { terminalReport } from '../report/terminal.js';
import { colourWanted } from './colour.js';
import { shortPath } from './short-path.js';

export interface PresentedRun {
  summary: readonly SummaryLine[];
  files: {
    trials: string;
    summary: string;
    manifest: string;
    /** Absent when the report could not be written; the rows are there all the same. */
    html?: string;
    markdown?: string;
  };
}

/**
 * What came of a run: its table, its report, and the files to open. `reports` is where the report goes; undefined when the
 * person has just stopped the run and is waiting for the prompt.
 */
export async function presentRun(
  dir: string,
  reports: string | undefined,
  log: (text: string) => void,
): Promise<PresentedRun> {
  const data = reportData(await readManifest(dir), await readRows(dir));
  const { columns } = process.stdout;
  log(
    `\n${terminalReport(data, { color: colourWanted(process.stdout, process.env), ...(columns ? { columns } : {}) })}\n`,
  );
  const files = {
    trials: shortPath(join(dir, RUN_FILES.trials)),
    summary: shortPath(join(dir, RUN_FILES.summary)),
    manifest: shortPath(join(dir, RUN_FILES.manifest)),
  };
  log('open:');
  log(`  ${files.trials}  every observation`);
  log(`  ${files.summary}  the figures above, and those of the other checkpoints`);
  if (reports === undefined) return { summary: data.summary, files };
  try {
    const { writeReport } = await import('../report/write-report.js');
    const written = await writeReport(dir, join(reports, basename(dir)));
    log(`  ${shortPath(written.html)}  the report`);
    return {
      summary: data.summary,
      files: { ...files, html: shortPath(written.html), markdown: shortPath(written.markdown) },
    };
  } catch (error) {
    if (!(error instanceof VlabError)) throw error;
    // The trials are the result and they are safe: a report can be made again at any time.
    log(`no report: ${error.message}; make it later with: vlab report ${basename(dir)}`);
    return { summary: data.summary, files };
  }
}
