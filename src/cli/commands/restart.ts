import { BaseCommand } from '../base-command.js';
import { eachStopping, STOPPING_FLAGS } from '../stopping.js';

export default class Restart extends BaseCommand {
  static override tail = 'positionals' as const;
  static override summary = 'Stop containers that run, and start them';
  static override usage = '<%= command.id %> [FLAGS] CONTAINER...';
  static override examples = ['<%= config.bin %> restart web', '<%= config.bin %> restart -t 1 web'];
  static override flags = STOPPING_FLAGS;

  async run(): Promise<string[]> {
    const { flags } = await this.parse(Restart);
    const { restartContainer } = await import('../../engine/life/restart-container.js');
    return eachStopping(this.tail, flags, restartContainer, (line) => this.log(line));
  }
}
