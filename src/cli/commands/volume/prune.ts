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
    const { emitEvent } = await import('../../../engine/event-log.js');
    const { bytesBelow } = await import('../../../engine/layer-sizes.js');
    const { containersUsing, usersOfVolumes } = await import('../../../engine/volume-users.js');
    const { listVolumes, removeVolume } = await import('../../../storage/volumes.js');
    const { confirm } = await import('../../confirm.js');
    const { labelRule, matches, noLabelRule, parseFilters } = await import('../../format/filter.js');
    const { decimalSize } = await import('../../format/human.js');
    const labelsOf = ({ labels }: { labels: Readonly<Record<string, string>> }) => labels;
    const rules = { label: labelRule(labelsOf), 'label!': noLabelRule(labelsOf) };
    const filters = parseFilters(flags.filter ?? [], rules);
    const which = flags.all ? 'all' : 'anonymous';
    const question = `WARNING! This will remove ${which} local volumes not used by at least one container.`;
    if (!flags.force && !(await confirm(question))) return { removed: [], bytes: 0 };
    const users = usersOfVolumes();
    const removed: string[] = [];
    let bytes = 0;
    for (const volume of await listVolumes()) {
      const { name, anonymous, mountpoint, options } = volume;
      if (users.has(name) || !(anonymous || flags.all) || !matches(volume, filters, rules)) continue;
      if (options.device === undefined) bytes += await bytesBelow(mountpoint);
      await removeVolume(name, containersUsing);
      emitEvent('volume', 'destroy', name, { driver: 'local' });
      removed.push(name);
    }
    if (removed.length > 0) this.log(['Deleted Volumes:', ...removed, ''].join('\n'));
    this.log(`Total reclaimed space: ${decimalSize(bytes)}`);
    return { removed, bytes };
  }
}
