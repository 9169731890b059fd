import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.js';

export default class History extends BaseCommand {
  static override summary = 'Show how an image came about, the last step first';
  static override examples = [
    '<%= config.bin %> history app',
    '<%= config.bin %> history --no-trunc --format json app',
  ];
  static override args = { image: Args.string({ required: true, description: 'name or id of the image' }) };
  static override flags = {
    format: Flags.string({ description: "table, json, or a Go template: '{{.CreatedBy}}'" }),
    human: Flags.boolean({ char: 'H', allowNo: true, default: true, description: 'sizes and dates for people' }),
    'no-trunc': Flags.boolean({ description: 'whole ids and commands' }),
    quiet: Flags.boolean({ char: 'q', description: 'ids only' }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(History);
    const { openImageStore } = await import('../../image/store/image-store.js');
    const { historyOf } = await import('../../image/history.js');
    const { historyListing } = await import('../image/history-listing.js');
    const { renderListing } = await import('../format/listing.js');
    const rows = historyOf(await (await openImageStore()).get(args.image));
    const noTrunc = flags['no-trunc'] ?? false;
    const text = renderListing(rows, historyListing({ noTrunc, human: flags.human, nowMs: Date.now() }), {
      format: flags.format,
      quiet: flags.quiet,
      escape: process.stdout.isTTY === true,
    });
    if (!this.jsonEnabled()) process.stdout.write(text);
    return rows;
  }
}
