import { Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.js';
import type { Kept, Leftover } from '../clean/leftovers.js';

export default class Clean extends BaseCommand {
  static override summary = 'Remove everything that vlab left on this machine';
  static override description =
    `Removes what owners that are gone left behind: cgroups, processes in them, files of the run directory; and stops the
launcher when it has nothing to do. What belongs to a living process is never touched, and is named with the reason.
Results and reports are yours and stay.`;
  static override examples = [
    '<%= config.bin %> clean --dry-run',
    {
      description: 'Kernels and compiled parts too; they are made again when needed',
      command: '<%= config.bin %> clean --caches',
    },
  ];
  static override flags = {
    caches: Flags.boolean({ description: 'remove the caches too: guest kernels, compiled parts, root file systems' }),
    'dry-run': Flags.boolean({ char: 'n', description: 'only say what would be removed' }),
  };

  async run(): Promise<{ removed: Leftover[]; kept: Kept[]; dryRun: boolean }> {
    const { flags } = await this.parse(Clean);
    const [{ chooseLeftovers, describeLeftover }, { lookAround }, { removeLeftovers }] = await Promise.all([
      import('../clean/leftovers.js'),
      import('../clean/look-around.js'),
      import('../clean/remove-leftovers.js'),
    ]);
    const { remove, keep } = chooseLeftovers(lookAround({ caches: flags.caches }));
    if (!flags['dry-run']) await removeLeftovers(remove);
    const verb = flags['dry-run'] ? 'would remove' : 'removed';
    for (const leftover of remove) this.log(`${verb} ${describeLeftover(leftover)}`);
    for (const { what, why } of keep) this.log(`kept ${what}: ${why}`);
    if (remove.length + keep.length === 0) this.log('nothing to remove');
    return { removed: remove, kept: keep, dryRun: flags['dry-run'] };
  }
}
