import { VlabError } from '../../../base/errors.js';
import { BaseCommand } from '../../base-command.js';

export default class ImageVerify extends BaseCommand {
  static override summary = 'Read everything in the store of images, and tell what is missing or broken';
  static override examples = ['<%= config.bin %> image verify'];

  async run(): Promise<unknown> {
    await this.parse(ImageVerify);
    const { openImageStore } = await import('../../../image/store/image-store.js');
    const store = await openImageStore();
    const wrong = await store.verify();
    if (wrong.length === 0) {
      this.log('everything is whole');
      return { wrong };
    }
    throw new VlabError('operation', `the store of images is damaged:\n  ${wrong.join('\n  ')}`, {
      hint: 'remove the images that are named here (vlab rmi), and pull or load them again',
    });
  }
}
