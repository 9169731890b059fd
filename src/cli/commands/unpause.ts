import { BaseCommand } from '../base-command.js';
import { eachContainer } from '../each-container.js';

export default class Unpause extends BaseCommand {
  static override tail = 'positionals' as const;
  static override summary = 'Let paused containers go on';
  static override usage = '<%= command.id %> CONTAINER...';
  static override examples = ['<%= config.bin %> unpause web'];

  async run(): Promise<string[]> {
    await this.parse(Unpause);
    const { findContainerId } = await import('../../engine/record/find-container.js');
    const { unpauseContainer } = await import('../../engine/life/pause-container.js');
    const act = async (text: string) => {
      await unpauseContainer(findContainerId(text));
      return text;
    };
    return eachContainer(this.tail, act, (line) => this.log(line));
  }
}
