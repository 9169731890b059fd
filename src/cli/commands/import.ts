import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.js';

export default class Import extends BaseCommand {
  static override summary = 'Make an image of one layer out of a tar of a root file system';
  static override examples = [
    'tar -C root -c . | <%= config.bin %> import - app:v1',
    '<%= config.bin %> import -c "CMD [\\"/bin/sh\\"]" -m "made by hand" root.tar.gz app',
  ];
  static override args = {
    file: Args.string({ required: true, description: 'a tar, packed or not; - is standard input' }),
    name: Args.string({ description: 'NAME[:TAG]' }),
  };
  static override flags = {
    change: Flags.string({
      char: 'c',
      multiple: true,
      helpValue: 'INSTRUCTION',
      description: 'an instruction of a Dockerfile: CMD, ENV, …',
    }),
    message: Flags.string({ char: 'm', description: "what the image's history says of it" }),
    platform: Flags.string({ description: "OS/ARCHITECTURE[/VARIANT]; default: this machine's" }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Import);
    const { importImage } = await import('../../image/import-image.js');
    const { parsePlatform } = await import('../../image/platform.js');
    const { parseReference, withDefaultTag } = await import('../../image/reference.js');
    const { applyChanges } = await import('../../build/apply-changes.js');
    const { inputStream } = await import('../image/input-stream.js');
    const { emitEvent } = await import('../../engine/events/event-log.js');
    const reference = args.name === undefined ? undefined : withDefaultTag(parseReference(args.name));
    const image = await importImage(inputStream(args.file === '-' ? undefined : args.file), {
      reference,
      run: applyChanges(flags.change ?? [], {}),
      message: flags.message ?? `Imported from ${args.file}`,
      platform: flags.platform === undefined ? undefined : parsePlatform(flags.platform),
    });
    emitEvent('image', 'import', image.id, { name: args.name ?? image.id });
    this.log(image.id);
    return { id: image.id };
  }
}
