import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.js';

export default class Export extends BaseCommand {
  static override summary = "Write a container's root file system as a tar, without what is mounted in it";
  static override examples = ['<%= config.bin %> export -o web.tar web', '<%= config.bin %> export web | tar -t'];
  static override args = {
    container: Args.string({ required: true, description: 'name or id of the container' }),
  };
  static override flags = {
    output: Flags.string({ char: 'o', helpValue: 'FILE', description: 'where to; default: standard output' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Export);
    const { findContainer } = await import('../../engine/record/find-container.js');
    const { exportContainer } = await import('../../engine/files/export-container.js');
    const { emitContainer } = await import('../../engine/events/container-event.js');
    const { writeStream } = await import('../image/write-stream.js');
    const record = findContainer(args.container);
    const stop = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
    await exportContainer(record, (tar) => writeStream(tar, flags.output, stop.signal));
    emitContainer(record, 'export');
  }
}
