import { Args } from '@oclif/core';
import { VlabError } from '../../base/errors.js';
import { BaseCommand } from '../base-command.js';

export default class Tag extends BaseCommand {
  static override summary = 'Give an image one more name';
  static override examples = ['<%= config.bin %> tag app localhost:5000/team/app:v1'];
  static override args = {
    image: Args.string({ required: true, description: 'name or id of the image' }),
    name: Args.string({ required: true, description: 'NAME[:TAG]' }),
  };

  async run(): Promise<unknown> {
    const { args } = await this.parse(Tag);
    const { parseReference, referenceName, withDefaultTag } = await import('../../image/reference.js');
    const { openImageStore } = await import('../../image/store/image-store.js');
    const { emitEvent } = await import('../../engine/events/event-log.js');
    const reference = withDefaultTag(parseReference(args.name));
    if (reference.digest !== undefined) {
      throw new VlabError('input', 'refusing to create a tag with a digest reference', { exitCode: 1 });
    }
    const store = await openImageStore();
    const image = await store.get(args.image);
    await store.tag(image, reference);
    emitEvent('image', 'tag', image.id, { name: referenceName(reference) });
    return { id: image.id, reference: referenceName(reference) };
  }
}
