import { Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.js';

/** What a name may be of, in the order in which it is looked for. */
const KINDS = ['container', 'image', 'volume', 'network'] as const;
type Kind = (typeof KINDS)[number];

export default class Inspect extends BaseCommand {
  static override tail = 'positionals' as const;
  static override summary = 'Show all there is to know about containers, images, volumes and networks';
  static override usage = '<%= command.id %> [FLAGS] NAME...';
  static override examples = [
    "<%= config.bin %> inspect --format '{{.State.Status}}' web",
    '<%= config.bin %> inspect --type image busybox',
  ];
  static override flags = {
    format: Flags.string({ char: 'f', description: "json, or a Go template: '{{.State.Pid}}'" }),
    type: Flags.string({ options: KINDS, description: 'look for these only' }),
    size: Flags.boolean({ char: 's', description: 'count what the layers of containers take' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Inspect);
    const { VlabError } = await import('../../base/errors.js');
    const { tellFailure } = await import('../each-container.js');
    const { renderJson } = await import('../format/listing.js');
    const { compileTemplate } = await import('../format/template.js');
    if (this.tail.length === 0) throw new VlabError('input', 'requires at least 1 argument', { exitCode: 1 });
    const format = flags.format === 'json' ? '{{json .}}' : flags.format;
    const show = format === undefined ? undefined : compileTemplate(format);
    const kinds = KINDS.filter((kind) => flags.type === undefined || kind === flags.type);
    const documents: unknown[] = [];
    for (const text of this.tail) {
      try {
        const document = await firstOf(kinds, text, flags.size ?? false);
        documents.push(document);
        if (show) this.log(show(document));
      } catch (error) {
        if (!(error instanceof VlabError)) throw error;
        tellFailure(error);
      }
    }
    if (!show && !this.jsonEnabled()) process.stdout.write(`${renderJson(documents, process.stdout.isTTY === true)}\n`);
    return documents;
  }
}

/** Error (`input`): none of the kinds has it; of a single kind, what that one says. */
async function firstOf(kinds: readonly Kind[], text: string, size: boolean): Promise<unknown> {
  const { VlabError } = await import('../../base/errors.js');
  for (const kind of kinds) {
    try {
      return await DOCUMENTS[kind](text, size);
    } catch (error) {
      const isMissing =
        error instanceof VlabError && /^(no such|invalid reference|network .* not found)/i.test(error.message);
      if (!isMissing || kinds.length === 1) throw error;
    }
  }
  throw new VlabError('input', `No such object: ${text}`, { exitCode: 1 });
}

const DOCUMENTS: Record<Kind, (text: string, size: boolean) => Promise<unknown>> = {
  async container(text, size) {
    const { inspectContainer } = await import('../../engine/inspect/inspect-container.js');
    return inspectContainer(text, size);
  },
  async image(text) {
    const { openImageStore } = await import('../../image/store/image-store.js');
    const { imageDocument } = await import('../../image/image-document.js');
    const store = await openImageStore();
    return imageDocument(await store.get(text));
  },
  async volume(text) {
    const { getVolume } = await import('../../storage/volumes.js');
    const { volumeDocument } = await import('../volume-document.js');
    return volumeDocument(await getVolume(text));
  },
  async network(text) {
    const { readState } = await import('../../engine/record/records.js');
    const { networkNamed } = await import('../../network/network-state.js');
    const { listNetworks } = await import('../../network/networks.js');
    const { networkDocument, withBuiltIn } = await import('../network-values.js');
    const { networks, leases } = listNetworks();
    const all = withBuiltIn(networks);
    const network = all.find(({ name, id }) => name === text || id === text) ?? networkNamed({ networks }, text);
    return networkDocument(network, leases, (container) => readState(container)?.name);
  },
};
