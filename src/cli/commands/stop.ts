import { BaseCommand } from '../base-command.js';
import { eachStopping, STOPPING_FLAGS } from '../stopping.js';

export default class Stop extends BaseCommand {
  static override tail = 'positionals' as const;
  static override summary = 'Stop containers: ask each to end, and kill it when it does not';
  static override usage = '<%= command.id %> [FLAGS] CONTAINER...';
  static override examples = ['<%= config.bin %> stop web', '<%= config.bin %> stop -t 1 web db'];
  static override flags = STOPPING_FLAGS;

  async run(): Promise<string[]> {
    const { flags } = await this.parse(Stop);
    const { stopContainer } = await import('../../engine/life/signal-container.js');
    return eachStopping(this.tail, flags, stopContainer, (line) => this.log(line));
  }
}
