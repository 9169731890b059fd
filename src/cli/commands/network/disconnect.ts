import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.js';

export default class NetworkDisconnect extends BaseCommand {
  static override summary = 'Take a container off a network, also while it runs';
  static override examples = ['<%= config.bin %> network disconnect web mine'];
  static override args = {
    network: Args.string({ required: true }),
    container: Args.string({ required: true }),
  };
  static override flags = { force: Flags.boolean({ char: 'f', description: 'also when the network is gone' }) };

  async run(): Promise<void> {
    const { args } = await this.parse(NetworkDisconnect);
    const { detachNetwork } = await import('../../../engine/life/attach-network.js');
    const { findContainerId } = await import('../../../engine/record/find-container.js');
    await detachNetwork(findContainerId(args.container), args.network);
  }
}
