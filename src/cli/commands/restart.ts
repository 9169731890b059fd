import { Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.js';
import { eachContainer, SIDE_BY_SIDE } from '../each-container.js';

export default class Restart extends BaseCommand {
  static override tail = 'positionals' as const;
  static override summary = 'Stop containers that run, and start them';
  static override usage = '<%= command.id %> [FLAGS] CONTAINER...';
  static override examples = ['<%= config.bin %> restart web', '<%= config.bin %> restart -t 1 web'];
  static override flags = {
    signal: Flags.string({
      char: 's',
      description: "signal to send; default: the container's, TERM where it has none",
    }),
    timeout: Flags.integer({
      char: 't',
      aliases: ['time'],
      helpValue: 'SECONDS',
      description: "seconds until it is killed; default: the container's, or 10",
    }),
  };

  async run(): Promise<string[]> {
    const { flags } = await this.parse(Restart);
    const { findContainerId } = await import('../../engine/record/find-container.js');
    const { restartContainer } = await import('../../engine/life/restart-container.js');
    const act = async (text: string) => {
      await restartContainer(findContainerId(text), { signal: flags.signal, timeoutS: flags.timeout });
      return text;
    };
    return eachContainer(this.tail, act, (line) => this.log(line), SIDE_BY_SIDE);
  }
}
