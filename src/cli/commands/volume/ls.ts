import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.js';

export default class VolumeLs extends BaseCommand {
  static override summary = 'List volumes';
  static override examples = ["<%= config.bin %> volume ls --filter dangling=true --format '{{.Name}}'"];
  static override flags = {
    filter: Flags.string({ char: 'f', multiple: true, helpValue: 'KEY=VALUE', description: 'only those that fit' }),
    format: Flags.string({ description: "table, json, or a Go template: '{{.Name}}'" }),
    quiet: Flags.boolean({ char: 'q', description: 'names only' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(VolumeLs);
    const { usersOfVolumes } = await import('../../../engine/record/volume-users.js');
    const { listVolumes } = await import('../../../storage/volumes.js');
    const { matches, parseFilters } = await import('../../format/filter.js');
    const { VOLUME_RULES } = await import('../../format/filter-rules.js');
    const { renderListing } = await import('../../format/listing.js');
    const { VOLUME_LISTING } = await import('../../format/listings.js');
    const filters = parseFilters(flags.filter ?? [], VOLUME_RULES);
    const users = usersOfVolumes();
    const rows = (await listVolumes()).filter((volume) =>
      matches({ ...volume, isUsed: users.has(volume.name) }, filters, VOLUME_RULES),
    );
    const style = { format: flags.format, quiet: flags.quiet, escape: process.stdout.isTTY === true };
    if (!this.jsonEnabled()) process.stdout.write(renderListing(rows, VOLUME_LISTING, style));
    return rows;
  }
}
