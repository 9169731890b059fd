import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.js';

export default class Images extends BaseCommand {
  static override summary = 'List the images that are here';
  static override examples = [
    '<%= config.bin %> images',
    '<%= config.bin %> images -f dangling=true -q',
    "<%= config.bin %> images --format '{{.Repository}}:{{.Tag}}' 'team/*'",
  ];
  static override args = { repository: Args.string({ description: 'only those of this REPOSITORY[:TAG]' }) };
  static override flags = {
    all: Flags.boolean({ char: 'a', description: 'all; there are none that this list leaves out' }),
    digests: Flags.boolean({ description: 'their digests too' }),
    filter: Flags.string({ char: 'f', multiple: true, helpValue: 'KEY=VALUE', description: 'only those that fit' }),
    format: Flags.string({ description: "table, json, or a Go template: '{{.Repository}}'" }),
    'no-trunc': Flags.boolean({ description: 'whole ids' }),
    quiet: Flags.boolean({ char: 'q', description: 'ids only' }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Images);
    const { openImageStore } = await import('../../image/store/image-store.js');
    const { imageRows, listedImages } = await import('../image/image-rows.js');
    const { renderListing } = await import('../format/listing.js');
    const { IMAGE_TABLE_WITH_DIGESTS, imageListing } = await import('../format/listings.js');
    const wanted = args.repository === undefined ? [] : [`reference=${args.repository}`];
    const images = await listedImages(await openImageStore(), [...(flags.filter ?? []), ...wanted]);
    const rows = imageRows(images, flags.digests ?? false);
    const shown = flags.quiet ? [...new Map(rows.map((row) => [row.id, row])).values()] : rows;
    const text = renderListing(shown, imageListing(flags['no-trunc'] ?? false, Date.now()), {
      format: flags.format,
      quiet: flags.quiet,
      escape: process.stdout.isTTY === true,
      ...(flags.digests ? { table: IMAGE_TABLE_WITH_DIGESTS } : {}),
    });
    if (!this.jsonEnabled()) process.stdout.write(text);
    return rows;
  }
}
