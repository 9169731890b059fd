import { Flags } from '@oclif/core';
import { VlabError } from '../../base/errors.js';
import { BaseCommand } from '../base-command.js';

export default class Save extends BaseCommand {
  static override tail = 'positionals' as const;
  static override summary = 'Write images into an archive that docker, podman and skopeo read';
  static override usage = '<%= command.id %> [FLAGS] IMAGE...';
  static override examples = [
    '<%= config.bin %> save -o app.tar app:v1',
    '<%= config.bin %> save app:v1 | gzip > app.tar.gz',
  ];
  static override flags = {
    format: Flags.option({
      options: ['docker-archive', 'oci-archive'] as const,
      default: 'docker-archive',
      description: 'docker-archive is an OCI layout, too, and says besides what older tools read',
    })(),
    output: Flags.string({ char: 'o', helpValue: 'FILE', description: 'in place of standard output' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Save);
    if (this.tail.length === 0) throw new VlabError('input', 'requires at least 1 argument', { exitCode: 1 });
    if (flags.output === undefined && (process.stdout.isTTY || this.jsonEnabled())) {
      throw new VlabError('input', 'cowardly refusing to save to a terminal', {
        hint: 'use the -o flag, or redirect standard output',
        exitCode: 1,
      });
    }
    const { saveImages } = await import('../../image/archive/save-images.js');
    const { openImageStore } = await import('../../image/store/image-store.js');
    const { chosenImages } = await import('../image/chosen-images.js');
    const { writeStream } = await import('../image/write-stream.js');
    const { interruptible } = await import('../interrupt.js');
    using stop = interruptible();
    const store = await openImageStore();
    const images = await chosenImages(store, this.tail);
    await writeStream(await saveImages(store, images, flags.format), flags.output, stop.signal);
    return images.map(({ image, references }) => ({ id: image.id, references }));
  }
}
