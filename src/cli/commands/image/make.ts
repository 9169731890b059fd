import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.js';

export default class ImageMake extends BaseCommand {
  static override summary = 'Make an image from packages of this machine, without a registry';
  static override description = `busybox: the static busybox of this machine with a link for each applet.
debian: a minimal Debian by mmdebstrap, whose archive is kept in the cache.
probe: vlab's own measuring program and nothing else.

The same packages give the same image, digest and all; files that are newer than SOURCE_DATE_EPOCH get that time.`;
  static override examples = [
    '<%= config.bin %> image make busybox',
    '<%= config.bin %> image make debian --suite trixie --tag base:v1',
  ];
  static override args = {
    maker: Args.string({ required: true, options: ['busybox', 'debian', 'probe'], description: 'what to make' }),
  };
  static override flags = {
    tag: Flags.string({
      char: 't',
      description: 'NAME[:TAG]; default: the name of what is made, Debian with its suite',
    }),
    suite: Flags.string({ description: 'the suite of Debian; default: bookworm' }),
    refresh: Flags.boolean({ description: 'ask the mirror again, although an archive is in the cache' }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(ImageMake);
    const { makeImage } = await import('../../../image/make/make-image.js');
    const { emitEvent } = await import('../../../engine/events/event-log.js');
    const { maker } = args;
    const image = await makeImage(maker as 'busybox' | 'debian' | 'probe', flags);
    emitEvent('image', 'import', image.id, { name: image.references[0] ?? image.id });
    this.log(image.id);
    return { id: image.id, references: image.references };
  }
}
