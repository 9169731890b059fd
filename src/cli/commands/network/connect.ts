import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.js';

export default class NetworkConnect extends BaseCommand {
  static override summary = 'Put a container on a network, also while it runs';
  static override examples = ['<%= config.bin %> network connect --alias db --ip 10.5.0.9 web mine'];
  static override args = {
    network: Args.string({ required: true }),
    container: Args.string({ required: true }),
  };
  static override flags = {
    alias: Flags.string({ multiple: true, description: 'another name of it there' }),
    'driver-opt': Flags.string({
      ...{ multiple: true, helpValue: 'NAME=VALUE' },
      description: 'vlab.send-rate=10mbit, vlab.receive-rate=10mbit',
    }),
    ip: Flags.string({ description: 'its address of IPv4' }),
    ip6: Flags.string({ description: 'its address of IPv6' }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(NetworkConnect);
    const { attachNetwork } = await import('../../../engine/life/attach-network.js');
    const { findContainerId } = await import('../../../engine/record/find-container.js');
    const { keyValues } = await import('../../key-values.js');
    const attachment = {
      ...{ network: args.network, aliases: flags.alias ?? [], driverOptions: keyValues(flags['driver-opt']) },
      ...(flags.ip === undefined ? {} : { ipv4Address: flags.ip }),
      ...(flags.ip6 === undefined ? {} : { ipv6Address: flags.ip6 }),
    };
    await attachNetwork(findContainerId(args.container), attachment);
    return attachment;
  }
}
