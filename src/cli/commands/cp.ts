import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.js';

export default class Cp extends BaseCommand {
  static override summary = 'Copy files between a container and the host';
  static override description =
    'Links of the container lead nowhere but into the container. SRC/. is the content of a directory; - is a tar, from standard input or to standard output.';
  static override examples = [
    '<%= config.bin %> cp web:/etc/hosts .',
    '<%= config.bin %> cp ./site/. web:/srv',
    '<%= config.bin %> cp web:/var/log - | tar tv',
  ];
  static override args = {
    source: Args.string({ required: true, description: 'CONTAINER:PATH, a path of the host, or -' }),
    destination: Args.string({ required: true, description: 'the other of them' }),
  };
  static override flags = {
    archive: Flags.boolean({ char: 'a', description: 'owners stay as they are' }),
    'follow-link': Flags.boolean({ char: 'L', description: 'a link stands for what it leads to' }),
    quiet: Flags.boolean({ char: 'q', hidden: true, description: 'for docker: nothing is said anyway' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Cp);
    const { VlabError } = await import('../../base/errors.js');
    const { findContainer } = await import('../../engine/record/find-container.js');
    const { copyFromHost, copyOut, copyStreamIn, copyToHost } = await import('../../engine/copy/copy.js');
    const { copyName, copyPlace } = await import('../../engine/copy/copy-rules.js');
    const { whileSteady } = await import('../../engine/copy/container-root.js');
    const options = { archive: flags.archive, followLink: flags['follow-link'] };
    const [from, to] = [copyPlace(args.source), copyPlace(args.destination)];
    if (from.kind === 'container' && to.kind === 'host') {
      await whileSteady(findContainer(from.container), (record) => copyToHost(record, from.path, to.path, options));
    } else if (from.kind === 'container' && to.kind === 'stream') {
      if (process.stdout.isTTY) throw new VlabError('input', 'cowardly refusing to write a tar to a terminal');
      const { pipeline } = await import('node:stream/promises');
      await whileSteady(findContainer(from.container), (record) =>
        copyOut(
          record,
          from.path,
          options,
          async ({ stream, done }) =>
            void (await Promise.all([pipeline(stream, process.stdout, { end: false }), done])),
          copyName,
        ),
      );
    } else if (from.kind === 'host' && to.kind === 'container') {
      await whileSteady(findContainer(to.container), (record) => copyFromHost(record, from.path, to.path, options));
    } else if (from.kind === 'stream' && to.kind === 'container') {
      await whileSteady(findContainer(to.container), (record) => copyStreamIn(record, process.stdin, to.path));
    } else {
      const both = from.kind === 'container' && to.kind === 'container';
      throw new VlabError(
        'input',
        both ? 'copying between containers is not supported' : 'must specify at least one container source',
        {
          hint: 'one of the two is CONTAINER:PATH',
          exitCode: 1,
        },
      );
    }
  }
}
