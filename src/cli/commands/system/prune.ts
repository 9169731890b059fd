import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.js';

export default class SystemPrune extends BaseCommand {
  static override summary =
    'Remove what nothing uses: stopped containers, networks, images, with --volumes volumes too';
  static override examples = ['<%= config.bin %> system prune -f', '<%= config.bin %> system prune -af --volumes'];
  static override flags = {
    all: Flags.boolean({ char: 'a', description: 'all images that no container was made from' }),
    filter: Flags.string({ multiple: true, helpValue: 'KEY=VALUE', description: 'until=…, label=…, label!=…' }),
    force: Flags.boolean({ char: 'f', description: 'do not ask' }),
    volumes: Flags.boolean({ description: 'anonymous volumes, too' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(SystemPrune);
    const { containerPrune } = await import('../../prune/prune-containers.js');
    const { imagePrune } = await import('../../prune/prune-images.js');
    const { networkPrune } = await import('../../prune/prune-networks.js');
    const { volumePrune } = await import('../../prune/prune-volumes.js');
    const { prunedText, reclaimedText } = await import('../../prune/pruned.js');
    const { confirm } = await import('../../confirm.js');
    const { filter = [], all = false, volumes = false, force } = flags;
    if (volumes && filter.some((one) => one.startsWith('until='))) {
      const { VlabError } = await import('../../../base/errors.js');
      throw new VlabError('input', 'the "until" filter is not supported with "--volumes"');
    }
    // Containers come first: what only they used is unused then.
    const prunes = [containerPrune(filter), networkPrune(filter)];
    if (volumes) prunes.push(volumePrune(filter, false));
    prunes.push(imagePrune(filter, all));
    if (!force && !(await confirm(question(all, volumes)))) return [];
    const parts = [];
    for (const prune of prunes) parts.push(await prune());
    this.log(prunedText(parts) + reclaimedText(parts));
    return parts;
  }
}

function question(all: boolean, volumes: boolean): string {
  const what = [
    'all stopped containers',
    'all networks not used by at least one container',
    ...(volumes ? ['all anonymous volumes not used by at least one container'] : []),
    all ? 'all images without at least one container associated to them' : 'all dangling images',
  ];
  return `WARNING! This will remove:\n${what.map((line) => `  - ${line}\n`).join('')}`;
}
