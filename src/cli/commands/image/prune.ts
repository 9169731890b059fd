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
    const { pruneImages } = await import('../../../image/remove-image.js');
    const { openImageStore } = await import('../../../image/store/image-store.js');
    const { imageUsers } = await import('../../../engine/image-users.js');
    const { matches, parseFilters } = await import('../../format/filter.js');
    const { pruneRules } = await import('../../format/filter-rules.js');
    const { parseMoment } = await import('../../format/moment.js');
    const { decimalSize } = await import('../../format/human.js');
    const { factsOf } = await import('../../image/image-rows.js');
    const { collect } = await import('../../image/collect.js');
    const { confirm } = await import('../../confirm.js');
    const { removedLines, tellRemoved } = await import('../../image/removed-lines.js');
    const what = flags.all ? 'all images without at least one container associated to them' : 'all dangling images';
    if (!flags.force && !(await confirm(`WARNING! This will remove ${what}.`))) return { removed: [], bytes: 0 };
    const nowMs = Date.now();
    const rules = pruneRules<ReturnType<typeof factsOf>>((text) => Number(parseMoment(text, nowMs) / 1_000_000n));
    const filters = parseFilters(flags.filter ?? [], rules);
    const store = await openImageStore();
    const users = imageUsers();
    const removed = await pruneImages(store, {
      all: flags.all ?? false,
      filter: (image) => matches(factsOf(image), filters, rules),
      usersOf: (id) => users.get(id) ?? [],
    });
    tellRemoved(removed);
    const bytes = await collect(store, { partial: true });
    const lines = removedLines(removed);
    if (lines.length > 0) this.log(`Deleted Images:\n${lines.map((line) => line.toLowerCase()).join('\n')}\n`);
    this.log(`Total reclaimed space: ${decimalSize(bytes)}`);
    return { removed: lines, bytes };
  }
}
