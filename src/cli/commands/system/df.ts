import { Flags } from '@oclif/core';
import type { DiskUse } from '../../../engine/files/disk-use.js';
import { BaseCommand } from '../../base-command.js';
import { decimalSize } from '../../format/human.js';
import type { Listing } from '../../format/listing.js';

export default class SystemDf extends BaseCommand {
  static override summary = 'Show what images, containers and volumes take on disk';
  static override examples = ["<%= config.bin %> system df --format '{{.Type}}: {{.Size}}'"];
  static override flags = {
    format: Flags.string({ description: "table, json, or a Go template: '{{.Type}}'" }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(SystemDf);
    const { diskUse } = await import('../../../engine/files/disk-use.js');
    const { openImageStore } = await import('../../../image/store/image-store.js');
    const { renderListing } = await import('../../format/listing.js');
    const store = await openImageStore();
    const rows = await diskUse(await store.list(), store.blobs);
    const style = { format: flags.format, escape: process.stdout.isTTY === true };
    if (!this.jsonEnabled()) process.stdout.write(renderListing(rows, LISTING, style));
    return rows;
  }
}

const LISTING: Listing<DiskUse> = {
  typeName: '*formatter.diskUsageContext',
  table: '{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}',
  quiet: 'Type',
  fields: {
    Type: { header: 'TYPE', value: ({ type }) => type },
    TotalCount: { header: 'TOTAL', value: ({ total }) => String(total) },
    Active: { header: 'ACTIVE', value: ({ active }) => String(active) },
    Size: { header: 'SIZE', value: ({ sizeBytes }) => decimalSize(sizeBytes) },
    Reclaimable: { header: 'RECLAIMABLE', value: reclaimable },
  },
};

function reclaimable({ sizeBytes, reclaimableBytes }: DiskUse): string {
  const size = decimalSize(reclaimableBytes);
  return sizeBytes === 0 ? size : `${size} (${Math.floor((100 * reclaimableBytes) / sizeBytes)}%)`;
}
