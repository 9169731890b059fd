import { BaseCommand } from '../base-command.js';
import { eachContainer } from '../each-container.js';

export default class Pause extends BaseCommand {
  static override tail = 'positionals' as const;
  static override summary = 'Stop all processes of containers, without their knowing';
  static override usage = '<%= command.id %> CONTAINER...';
  static override examples = ['<%= config.bin %> pause web'];

  async run(): Promise<string[]> {
    await this.parse(Pause);
    const { findContainerId } = await import('../../engine/record/find-container.js');
    const { pauseContainer } = await import('../../engine/life/pause-container.js');
    const act = async (text: string) => {
      await pauseContainer(findContainerId(text));
      return text;
    };
    return eachContainer(this.tail, act, (line) => this.log(line));
  }
}
