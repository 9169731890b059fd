import { Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.js';
import { eachContainer, SIDE_BY_SIDE } from '../each-container.js';

export default class Stop extends BaseCommand {
  static override tail = 'positionals' as const;
  static override summary = 'Stop containers: ask each to end, and kill it when it does not';
  static override usage = '<%= command.id %> [FLAGS] CONTAINER...';
  static override examples = ['<%= config.bin %> stop web', '<%= config.bin %> stop -t 1 web db'];
  static override flags = {
    signal: Flags.string({
      char: 's',
      description: "signal to send; default: the container's, TERM where it has none",
    }),
    timeout: Flags.integer({
      char: 't',
      aliases: ['time'],
      helpValue: 'SECONDS',
      description: "seconds until it is killed, -1: never; default: the container's, or 10",
    }),
  };

  async run(): Promise<string[]> {
    const { flags } = await this.parse(Stop);
    const { findContainerId } = await import('../../engine/record/find-container.js');
    const { stopContainer } = await import('../../engine/life/signal-container.js');
    const act = async (text: string) => {
      await stopContainer(findContainerId(text), { signal: flags.signal, timeoutS: flags.timeout });
      return text;
    };
    return eachContainer(this.tail, act, (line) => this.log(line), SIDE_BY_SIDE);
  }
}
