import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.js';

export default class ImagePrune extends BaseCommand {
  static override summary = 'Remove images without a name, and what is left of interrupted transfers';
  static override examples = [
    '<%= config.bin %> image prune -f',
    '<%= config.bin %> image prune -af --filter until=24h',
  ];
  static override flags = {
    all: Flags.boolean({ char: 'a', description: 'all that no container was made from' }),
    filter: Flags.string({ multiple: true, helpValue: 'KEY=VALUE', description: 'until=…, label=…, label!=…' }),
    force: Flags.boolean({ char: 'f', description: 'do not ask' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(ImagePrune);
    const { imagePrune } = await import('../../prune/prune-images.js');
    const { prunedText, reclaimedText } = await import('../../prune/pruned.js');
    const { confirm } = await import('../../confirm.js');
    const prune = imagePrune(flags.filter ?? [], flags.all ?? false);
    if (
      !flags.force &&
      !(await confirm(
        `WARNING! This will remove ${flags.all ? 'all images without at least one container associated to them' : 'all dangling images'}.`,
      ))
    )
      return { lines: [], bytes: 0 };
    const pruned = await prune();
    this.log(prunedText([pruned]) + reclaimedText([pruned]));
    return pruned;
  }
}
