import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.js';

export default class ImageInspect extends BaseCommand {
  static override tail = 'positionals' as const;
  static override summary = 'Show all there is to know about images';
  static override usage = '<%= command.id %> [FLAGS] IMAGE...';
  static override examples = ["<%= config.bin %> image inspect --format '{{.Id}} {{.Config.Cmd}}' app"];
  static override flags = {
    format: Flags.string({ char: 'f', description: "json, or a Go template: '{{json .Config}}'" }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(ImageInspect);
    const { VlabError } = await import('../../../base/errors.js');
    const { openImageStore } = await import('../../../image/store/image-store.js');
    const { imageDocument } = await import('../../../image/image-document.js');
    const { tellFailure } = await import('../../each-container.js');
    const { renderJson } = await import('../../format/listing.js');
    const { compileTemplate } = await import('../../format/template.js');
    if (this.tail.length === 0) throw new VlabError('input', 'requires at least 1 argument', { exitCode: 1 });
    const store = await openImageStore();
    const format = flags.format === 'json' ? '{{json .}}' : flags.format;
    const show = format === undefined ? undefined : compileTemplate(format);
    const documents: unknown[] = [];
    for (const text of this.tail) {
      try {
        const document = imageDocument(await store.get(text));
        documents.push(document);
        if (show) this.log(show(document));
      } catch (error) {
        if (!(error instanceof VlabError) || error.blame !== 'input') throw error;
        tellFailure(error);
      }
    }
    if (!show) this.log(renderJson(documents, process.stdout.isTTY === true));
    return documents;
  }
}
