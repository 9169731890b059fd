import { Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.js';
import { eachContainer } from '../each-container.js';

export default class Kill extends BaseCommand {
  static override tail = 'positionals' as const;
  static override summary = 'Send a signal to running containers';
  static override usage = '<%= command.id %> [--signal SIGNAL] CONTAINER...';
  static override examples = ['<%= config.bin %> kill web', '<%= config.bin %> kill --signal HUP web'];
  static override flags = {
    signal: Flags.string({ char: 's', default: 'KILL', description: 'name or number of the signal' }),
  };

  async run(): Promise<string[]> {
    const { flags } = await this.parse(Kill);
    const { findContainerId } = await import('../../engine/record/find-container.js');
    const { killContainer } = await import('../../engine/life/signal-container.js');
    const act = async (text: string) => {
      await killContainer(findContainerId(text), flags.signal);
      return text;
    };
    return eachContainer(this.tail, act, (line) => this.log(line));
  }
}
