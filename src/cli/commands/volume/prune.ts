import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.js';

export default class VolumePrune extends BaseCommand {
  static override summary = 'Remove the volumes without a name that no container has; with --all those with one, too';
  static override examples = ['<%= config.bin %> volume prune -af --filter label=scratch'];
  static override flags = {
    all: Flags.boolean({ char: 'a', description: 'those with a name, too' }),
    filter: Flags.string({ multiple: true, helpValue: 'KEY=VALUE', description: 'only those that fit: label, label!' }),
    force: Flags.boolean({ char: 'f', description: 'without asking' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(VolumePrune);
    const { volumePrune } = await import('../../prune/prune-volumes.js');
    const { prunedText, reclaimedText } = await import('../../prune/pruned.js');
    const { confirm } = await import('../../confirm.js');
    const prune = volumePrune(flags.filter ?? [], flags.all ?? false);
    if (
      !flags.force &&
      !(await confirm(
        `WARNING! This will remove ${flags.all ? 'all' : 'anonymous'} local volumes not used by at least one container.`,
      ))
    )
      return { lines: [], bytes: 0 };
    const pruned = await prune();
    this.log(prunedText([pruned]) + reclaimedText([pruned]));
    return pruned;
  }
}
