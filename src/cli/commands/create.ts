import { BaseCommand } from '../base-command.js';
import { CREATE_FLAGS } from '../container-flags/create-flags.js';

export default class Create extends BaseCommand {
  static override tail = 'first-positional' as const;
  static override failureExitCode = 125;
  static override summary = 'Make a container, and start nothing';
  static override usage = [
    '<%= command.id %> [FLAGS] IMAGE [COMMAND] [ARG...]',
    '<%= command.id %> [FLAGS] --rootfs DIR COMMAND [ARG...]',
  ];
  static override examples = ['<%= config.bin %> create --name web -p 8080:80 nginx', '<%= config.bin %> start web'];
  static override flags = CREATE_FLAGS;

  async run(): Promise<{ id: string; warnings: string[] }> {
    const { flags } = await this.parse(Create);
    const { askedLine, makeContainer } = await import('../prepare-container.js');
    const { record, warnings } = await makeContainer(askedLine(flags, this.tail), flags);
    this.log(record.id);
    return { id: record.id, warnings };
  }
}
