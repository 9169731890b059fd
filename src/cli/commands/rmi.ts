import { Flags } from '@oclif/core';
import { VlabError } from '../../base/errors.js';
import { BaseCommand } from '../base-command.js';

export default class Rmi extends BaseCommand {
  static override tail = 'positionals' as const;
  static override summary = 'Remove images, or names of them';
  static override usage = '<%= command.id %> [FLAGS] IMAGE...';
  static override examples = ['<%= config.bin %> rmi busybox', '<%= config.bin %> rmi -f 1a2b3c4d5e6f'];
  static override flags = {
    force: Flags.boolean({
      char: 'f',
      description: 'also what stopped containers use; one that is not there is no error',
    }),
    'no-prune': Flags.boolean({ hidden: true, description: 'without effect: layers have no images of their own' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Rmi);
    const { removeImage } = await import('../../image/remove-image.js');
    const { openImageStore } = await import('../../image/store/image-store.js');
    const { imageUsers } = await import('../../engine/record/image-users.js');
    const { collect } = await import('../image/collect.js');
    const { removedLines, tellRemoved } = await import('../image/removed-lines.js');
    const { eachContainer } = await import('../each-container.js');
    const store = await openImageStore();
    const users = imageUsers();
    const act = async (text: string) => {
      try {
        const removed = await removeImage(store, text, { force: flags.force, usersOf: (id) => users.get(id) ?? [] });
        tellRemoved(removed);
        return removedLines(removed).join('\n');
      } catch (error) {
        if (!flags.force || !(error instanceof VlabError) || !error.message.startsWith('No such image')) throw error;
        process.stderr.write(`${error.message}\n`);
        return undefined;
      }
    };
    const done = await eachContainer(this.tail, act, (line) => this.log(line));
    await collect(store);
    return done.flatMap((lines) => lines.split('\n'));
  }
}
