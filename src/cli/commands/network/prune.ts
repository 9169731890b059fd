import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.js';

export default class NetworkPrune extends BaseCommand {
  static override summary = 'Remove the networks that no container is on';
  static override examples = ['<%= config.bin %> network prune -f --filter until=24h'];
  static override flags = {
    filter: Flags.string({ multiple: true, helpValue: 'KEY=VALUE', description: 'only those that fit: label, until' }),
    force: Flags.boolean({ char: 'f', description: 'without asking' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(NetworkPrune);
    const { confirm } = await import('../../confirm.js');
    const { containerIds, readState } = await import('../../../engine/records.js');
    const { emitEvent } = await import('../../../engine/event-log.js');
    const { pruneNetworks } = await import('../../../network/networks.js');
    const { matches, parseFilters } = await import('../../format/filter.js');
    const { pruneRules } = await import('../../format/filter-rules.js');
    const { parseMoment } = await import('../../format/moment.js');
    const rules = pruneRules<{ labels: Readonly<Record<string, string>>; createdAtMs: number }>((text) =>
      Number(parseMoment(text, Date.now()) / 1_000_000n),
    );
    const filters = parseFilters(flags.filter ?? [], rules);
    const question = 'WARNING! This will remove all custom networks not used by at least one container.';
    if (!flags.force && !(await confirm(question))) return [];
    // Those that only stopped containers are on are used as well.
    const used = new Set(
      containerIds().flatMap((id) => readState(id)?.attachments.map(({ network }) => network) ?? []),
    );
    const removed = await pruneNetworks(
      ({ id, name, labels, createdAt }) =>
        !used.has(name) && !used.has(id) && matches({ labels, createdAtMs: Date.parse(createdAt) }, filters, rules),
    );
    for (const { id, name, driver } of removed) emitEvent('network', 'destroy', id, { name, type: driver });
    if (removed.length > 0) this.log(['Deleted Networks:', ...removed.map(({ name }) => name), ''].join('\n'));
    return removed;
  }
}
