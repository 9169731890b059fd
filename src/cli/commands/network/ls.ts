import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.js';

export default class NetworkLs extends BaseCommand {
  static override summary = 'List networks';
  static override examples = ["<%= config.bin %> network ls --filter driver=bridge --format '{{.Name}}'"];
  static override flags = {
    filter: Flags.string({ char: 'f', multiple: true, helpValue: 'KEY=VALUE', description: 'only those that fit' }),
    format: Flags.string({ description: "table, json, or a Go template: '{{.Name}}'" }),
    'no-trunc': Flags.boolean({ description: 'whole ids' }),
    quiet: Flags.boolean({ char: 'q', description: 'ids only' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(NetworkLs);
    const { listNetworks } = await import('../../../network/networks.js');
    const { matches, parseFilters } = await import('../../format/filter.js');
    const { NETWORK_RULES } = await import('../../format/filter-rules.js');
    const { renderListing } = await import('../../format/listing.js');
    const { networkListing } = await import('../../format/listings.js');
    const { networkFacts, networkRow, withBuiltIn } = await import('../../network-values.js');
    const filters = parseFilters(flags.filter ?? [], NETWORK_RULES);
    const { networks, leases } = listNetworks();
    const rows = withBuiltIn(networks)
      .filter((one) => matches(networkFacts(one, leases), filters, NETWORK_RULES))
      .map(networkRow);
    const text = renderListing(rows, networkListing(flags['no-trunc'] ?? false), {
      ...{ format: flags.format, quiet: flags.quiet, escape: process.stdout.isTTY === true },
    });
    if (!this.jsonEnabled()) process.stdout.write(text);
    return rows;
  }
}
