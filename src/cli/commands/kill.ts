import { Flags } from '@oclif/core';
import { errnoOf, VlabError } from '../../base/errors.js';
import { signalNumber } from '../../base/signals.js';
import { BaseCommand } from '../base-command.js';

export default class Kill extends BaseCommand {
  static override tail = 'first-positional' as const;
  static override summary = 'Send a signal to containers that run in the background';
  static override usage = '<%= command.id %> [--signal SIGNAL] ID...';
  static override description = 'An id may be shortened as long as it fits only one container.';
  static override examples = ['<%= config.bin %> kill vlab-3f', '<%= config.bin %> kill --signal TERM vlab-3f9c'];
  static override flags = {
    signal: Flags.string({ char: 's', default: 'KILL', description: 'name or number of the signal' }),
  };

  async run(): Promise<string[]> {
    const { flags } = await this.parse(Kill);
    if (this.tail.length === 0) throw new VlabError('input', 'no container is named', { hint: 'vlab ps lists them' });
    const number = signalNumber(flags.signal);
    const { oneRunning } = await import('../running-containers.js');
    const chosen = this.tail.map(oneRunning);
    for (const { id, pid } of chosen) {
      try {
        process.kill(pid, number);
      } catch (error) {
        throw new VlabError('operation', `cannot signal ${id}: ${errnoOf(error)}`, { cause: error });
      }
      this.log(id);
    }
    return chosen.map(({ id }) => id);
  }
}
