import { basename, join } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.js';

export default class Report extends BaseCommand {
  static override summary = 'Make the report of a run again, from its rows';
  static override description = 'Reports are derived: they can be deleted, and made again at any time.';
  static override examples = [
    '<%= config.bin %> report latest',
    '<%= config.bin %> report 20261124-071500-quickstart-3fa9',
  ];

  static override args = {
    run: Args.string({ required: true, description: 'id of a run, a part of it, its folder, or latest' }),
  };

  static override flags = {
    results: Flags.string({ default: 'results', env: 'VLAB_RESULTS_DIR', description: 'where runs are kept' }),
    reports: Flags.string({ default: 'reports', env: 'VLAB_REPORTS_DIR', description: 'where reports are written' }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Report);
    const { findRun } = await import('../../lab/run-folder.js');
    const { writeReport } = await import('../../report/write-report.js');
    const dir = await findRun(flags.results, args.run);
    const { html, markdown, data } = await writeReport(dir, join(flags.reports, basename(dir)));
    this.log(html);
    this.log(markdown);
    return { run: data.manifest.run, html, markdown, summary: data.summary };
  }
}
