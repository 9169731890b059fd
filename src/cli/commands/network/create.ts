import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.js';

export default class NetworkCreate extends BaseCommand {
  static override summary = 'Make a network';
  static override examples = [
    '<%= config.bin %> network create web',
    '<%= config.bin %> network create --subnet 10.5.0.0/16 --ip-range 10.5.1.0/24 --ipv6 web',
    '<%= config.bin %> network create -d macvlan --subnet 192.168.1.0/24 -o parent=eth0 lan',
  ];
  static override args = { network: Args.string({ required: true, description: 'its name' }) };
  static override flags = {
    attachable: Flags.boolean({ hidden: true, description: 'for docker: containers may always join' }),
    'aux-address': Flags.string({ multiple: true, helpValue: 'NAME=ADDRESS', description: 'never handed out' }),
    driver: Flags.string({ char: 'd', default: 'bridge', description: 'bridge, macvlan or ipvlan' }),
    gateway: Flags.string({ multiple: true, description: 'address of the host in the subnet' }),
    internal: Flags.boolean({ description: 'nothing gets out of it, and nothing in' }),
    'ip-range': Flags.string({ multiple: true, description: 'where free addresses are taken from' }),
    'ipam-driver': Flags.string({ hidden: true, options: ['default'], description: 'for docker' }),
    ipv6: Flags.boolean({ description: 'a subnet of IPv6 too' }),
    label: Flags.string({ multiple: true, helpValue: 'KEY=VALUE', description: 'what it is marked with' }),
    opt: Flags.string({
      ...{ char: 'o', multiple: true, helpValue: 'NAME=VALUE' },
      description: 'com.docker.network.driver.mtu, com.docker.network.bridge.enable_icc, parent',
    }),
    scope: Flags.string({ hidden: true, options: ['local'], description: 'for docker' }),
    subnet: Flags.string({ multiple: true, helpValue: '10.5.0.0/16', description: 'one of each family' }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(NetworkCreate);
    const { VlabError } = await import('../../../base/errors.js');
    const { keyValues } = await import('../../key-values.js');
    const { contains, parseAddress, parsePrefix } = await import('../../../network/address.js');
    const { optionEffects, subnetRequests } = await import('../../../network/docker-options.js');
    const { createNetwork } = await import('../../../network/networks.js');
    const { forwardDrops, explainDrops } = await import('../../../network/foreign-rules.js');
    const { canServeNames, NAMES_IN_FILES } = await import('../../../network/name-server.js');
    const { emitEvent } = await import('../../../engine/events/event-log.js');
    const { driver } = flags;
    if (driver !== 'bridge' && driver !== 'macvlan' && driver !== 'ipvlan') {
      throw new VlabError('input', `could not find plugin ${driver} in v1 plugin registry: plugin not found`, {
        hint: 'drivers are bridge, macvlan and ipvlan',
        exitCode: 1,
      });
    }
    const options = keyValues(flags.opt);
    const within = (subnet: string, address: string) => contains(parsePrefix(subnet), parseAddress(address));
    const addresses = {
      ...{ subnet: flags.subnet ?? [], gateway: flags.gateway ?? [] },
      ...{ ipRange: flags['ip-range'] ?? [], auxAddress: flags['aux-address'] ?? [] },
    };
    const network = await createNetwork({
      ...{ name: args.network, driver, subnets: subnetRequests(addresses, within) },
      ...{ ipv6: flags.ipv6 ?? false, internal: flags.internal ?? false },
      ...{ labels: keyValues(flags.label), options },
      ...optionEffects(options),
    });
    emitEvent('network', 'create', network.id, { name: network.name, type: driver });
    this.log(network.id);
    if (driver === 'bridge' && !canServeNames()) process.stderr.write(`${NAMES_IN_FILES}\n`);
    if (driver === 'bridge' && !network.internal) {
      for (const line of explainDrops(await forwardDrops())) process.stderr.write(`${line}\n`);
    }
    return network;
  }
}
