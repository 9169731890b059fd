import { Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.js';

export default class Load extends BaseCommand {
  static override summary = 'Take in the images of an archive, as docker, podman and skopeo make them';
  static override examples = ['<%= config.bin %> load -i app.tar', '<%= config.bin %> load < app.tar.gz'];
  static override flags = {
    input: Flags.string({ char: 'i', helpValue: 'FILE', description: 'in place of standard input' }),
    quiet: Flags.boolean({ char: 'q', description: 'accepted for scripts; there is no progress to leave out' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Load);
    const { loadImages } = await import('../../image/archive/load-images.js');
    const { familiarName, parseReference } = await import('../../image/reference.js');
    const { emitEvent } = await import('../../engine/events/event-log.js');
    const { inputStream } = await import('../image/input-stream.js');
    const loaded = await loadImages(inputStream(flags.input));
    for (const { image, reference } of loaded) {
      const name = reference === undefined ? undefined : familiarName(parseReference(reference));
      this.log(name === undefined ? `Loaded image ID: ${image.id}` : `Loaded image: ${name}`);
      emitEvent('image', 'load', image.id, { name: name ?? image.id });
    }
    return loaded.map(({ image, reference }) => ({ id: image.id, reference }));
  }
}
