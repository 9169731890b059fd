import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.js';
import { tellFailure } from '../../each-container.js';

export default class NetworkInspect extends BaseCommand {
  static override tail = 'positionals' as const;
  static override summary = 'Show networks, with the containers that are on them';
  static override usage = '<%= command.id %> [FLAGS] NETWORK...';
  static override examples = ["<%= config.bin %> network inspect -f '{{json .IPAM.Config}}' web"];
  static override flags = {
    format: Flags.string({ char: 'f', description: "json, or a Go template: '{{.Driver}}'" }),
    verbose: Flags.boolean({ char: 'v', hidden: true, description: 'for docker' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(NetworkInspect);
    const { VlabError } = await import('../../../base/errors.js');
    const { readState } = await import('../../../engine/record/records.js');
    const { networkNamed } = await import('../../../network/network-state.js');
    const { ensureDefaultNetwork, listNetworks } = await import('../../../network/networks.js');
    const { DEFAULT_NETWORK } = await import('../../../network/definition.js');
    const { renderJson } = await import('../../format/listing.js');
    const { compileTemplate } = await import('../../format/template.js');
    const { networkDocument, withBuiltIn } = await import('../../network-values.js');
    const { format } = flags;
    if (this.tail.length === 0) throw new VlabError('input', 'requires at least 1 argument', { exitCode: 1 });
    if (this.tail.includes(DEFAULT_NETWORK)) await ensureDefaultNetwork();
    const { networks, leases } = listNetworks();
    const all = withBuiltIn(networks);
    const documents = this.tail.flatMap((text) => {
      try {
        const network = all.find(({ name, id }) => name === text || id === text) ?? networkNamed({ networks }, text);
        return [networkDocument(network, leases, (container) => readState(container)?.name)];
      } catch (error) {
        if (!(error instanceof VlabError)) throw error;
        tellFailure(error);
        return [];
      }
    });
    if (this.jsonEnabled()) return documents;
    const forTerminal = process.stdout.isTTY === true;
    if (format === undefined) {
      process.stdout.write(`${renderJson(documents, forTerminal)}\n`);
    } else {
      const show = format === 'json' ? (one: unknown) => JSON.stringify(one) : compileTemplate(format);
      for (const document of documents) this.log(show(document));
    }
    return documents;
  }
}
