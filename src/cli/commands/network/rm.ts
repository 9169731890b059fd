import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.js';
import { eachContainer } from '../../each-container.js';

export default class NetworkRm extends BaseCommand {
  static override tail = 'positionals' as const;
  static override summary = 'Remove networks that no container is on';
  static override usage = '<%= command.id %> [FLAGS] NETWORK...';
  static override examples = ['<%= config.bin %> network rm web'];
  static override flags = { force: Flags.boolean({ char: 'f', description: 'one that is not there is no error' }) };

  async run(): Promise<string[]> {
    const { flags } = await this.parse(NetworkRm);
    const { emitEvent } = await import('../../../engine/events/event-log.js');
    const { removeNetwork } = await import('../../../network/networks.js');
    const { findNetwork } = await import('../../../network/network-state.js');
    const act = async (text: string) => {
      if (flags.force && findNetwork(text) === undefined) return undefined;
      const { id, name, driver } = await removeNetwork(text);
      emitEvent('network', 'destroy', id, { name, type: driver });
      return text;
    };
    return eachContainer(this.tail, act, (line) => this.log(line));
  }
}
