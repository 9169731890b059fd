import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.js';

export default class Compare extends BaseCommand {
  static override summary = 'Compare two runs: how much longer each arm took in the second';
  static override description =
    `Ratios of medians with 95 % intervals. Two runs are two days of one machine, or two machines: what
differs between them besides is listed.`;
  static override examples = [
    '<%= config.bin %> compare 20261124-071500-quickstart-3fa9 latest',
    '<%= config.bin %> compare 3fa9 latest --all --markdown',
  ];

  static override args = {
    before: Args.string({ required: true, description: 'id of a run, a part of it, its folder, or latest' }),
    after: Args.string({ required: true, description: 'the run that is compared with it' }),
  };

  static override flags = {
    results: Flags.string({ default: 'results', env: 'VLAB_RESULTS_DIR', description: 'where runs are kept' }),
    all: Flags.boolean({ description: 'all checkpoints, not only the headline one' }),
    markdown: Flags.boolean({ description: 'print Markdown' }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Compare);
    const { findRun, readManifest, readRows } = await import('../../lab/run-folder.js');
    const { compareRuns } = await import('../../report/compare.js');
    const { comparisonMarkdown, comparisonTerminal } = await import('../../report/compare-text.js');
    const { colourWanted } = await import('../colour.js');
    const [before, after] = await Promise.all(
      [args.before, args.after].map(async (word) => {
        const dir = await findRun(flags.results, word);
        return { manifest: await readManifest(dir), rows: await readRows(dir) };
      }),
    );
    const comparison = compareRuns(before as NonNullable<typeof before>, after as NonNullable<typeof after>);
    const { columns } = process.stdout;
    const terminal = {
      color: colourWanted(process.stdout, process.env),
      all: flags.all,
      ...(columns ? { columns } : {}),
    };
    this.log(
      flags.markdown ? comparisonMarkdown(comparison, { all: flags.all }) : comparisonTerminal(comparison, terminal),
    );
    return comparison;
  }
}
