import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.js';

export default class ContainerPrune extends BaseCommand {
  static override summary = 'Remove all containers that do not run';
  static override examples = ['<%= config.bin %> container prune -f --filter until=24h'];
  static override flags = {
    filter: Flags.string({ multiple: true, helpValue: 'KEY=VALUE', description: 'until=…, label=…, label!=…' }),
    force: Flags.boolean({ char: 'f', description: 'do not ask' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(ContainerPrune);
    const { pruneContainers } = await import('../../../engine/prune-containers.js');
    const { matches, parseFilters } = await import('../../format/filter.js');
    const { pruneRules } = await import('../../format/filter-rules.js');
    const { parseMoment } = await import('../../format/moment.js');
    const { decimalSize } = await import('../../format/human.js');
    const { confirm } = await import('../../confirm.js');
    const nowMs = Date.now();
    const rules = pruneRules<{ labels: Readonly<Record<string, string>>; createdAtMs: number }>((text) =>
      Number(parseMoment(text, nowMs) / 1_000_000n),
    );
    const filters = parseFilters(flags.filter ?? [], rules);
    if (!flags.force && !(await confirm('WARNING! This will remove all stopped containers.')))
      return { ids: [], bytes: 0 };
    const pruned = await pruneContainers(({ definition: { labels, createdAt } }) =>
      matches({ labels, createdAtMs: Date.parse(createdAt) }, filters, rules),
    );
    if (pruned.ids.length > 0) this.log(['Deleted Containers:', ...pruned.ids, ''].join('\n'));
    this.log(`Total reclaimed space: ${decimalSize(pruned.bytes)}`);
    return pruned;
  }
}
