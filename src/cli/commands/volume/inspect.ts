import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.js';
import { tellFailure } from '../../each-container.js';
import { volumeDocument } from '../../volume-document.js';

export default class VolumeInspect extends BaseCommand {
  static override tail = 'positionals' as const;
  static override summary = 'Show volumes';
  static override usage = '<%= command.id %> [FLAGS] VOLUME...';
  static override examples = ["<%= config.bin %> volume inspect -f '{{.Mountpoint}}' data"];
  static override flags = {
    format: Flags.string({ char: 'f', description: "json, or a Go template: '{{.Mountpoint}}'" }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(VolumeInspect);
    const { VlabError } = await import('../../../base/errors.js');
    const { getVolume } = await import('../../../storage/volumes.js');
    const { renderJson } = await import('../../format/listing.js');
    const { compileTemplate } = await import('../../format/template.js');
    const { format } = flags;
    if (this.tail.length === 0) throw new VlabError('input', 'requires at least 1 argument', { exitCode: 1 });
    const documents: object[] = [];
    for (const name of this.tail) {
      try {
        documents.push(volumeDocument(await getVolume(name)));
      } catch (error) {
        if (!(error instanceof VlabError)) throw error;
        tellFailure(error);
      }
    }
    if (this.jsonEnabled()) return documents;
    if (format === undefined) process.stdout.write(`${renderJson(documents, process.stdout.isTTY === true)}\n`);
    else {
      const show = format === 'json' ? (one: unknown) => JSON.stringify(one) : compileTemplate(format);
      for (const document of documents) this.log(show(document));
    }
    return documents;
  }
}
