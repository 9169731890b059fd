import { relative } from 'node:path';
import { summariseRun } from '../lab/bench.js';
import { readManifest, readRows } from '../lab/run-folder.js';
import type { SummaryLine } from '../lab/summarise.js';

export interface PresentedRun {
  summary: SummaryLine[];
  /** The folder of the facts. */
  results: string;
}

/** What came of a run: its table, and the files to open. */
export async function presentRun(dir: string, _reports: string, log: (text: string) => void): Promise<PresentedRun> {
  const manifest = await readManifest(dir);
  const summary = summariseRun(manifest, await readRows(dir));
  log(`rows: ${relative(process.cwd(), dir)}/trials.csv`);
  return { summary, results: dir };
}
