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
    const { containerPrune } = await import('../../prune/prune-containers.js');
    const { prunedText, reclaimedText } = await import('../../prune/pruned.js');
    const { confirm } = await import('../../confirm.js');
    const prune = containerPrune(flags.filter ?? []);
    if (!flags.force && !(await confirm('WARNING! This will remove all stopped containers.')))
      return { lines: [], bytes: 0 };
    const pruned = await prune();
    this.log(prunedText([pruned]) + reclaimedText([pruned]));
    return pruned;
  }
}
