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
    const { networkPrune } = await import('../../prune/prune-networks.js');
    const { prunedText } = await import('../../prune/pruned.js');
    const { confirm } = await import('../../confirm.js');
    const prune = networkPrune(flags.filter ?? []);
    if (
      !flags.force &&
      !(await confirm('WARNING! This will remove all custom networks not used by at least one container.'))
    )
      return { lines: [], bytes: 0 };
    const pruned = await prune();
    if (pruned.lines.length > 0) this.log(prunedText([pruned]).trimEnd());
    return pruned;
  }
}
