/** `-o name=value` of `network create`, by the names that docker and podman have for them. Pure. */
import { VlabError } from '../base/errors.js';
import type { NetworkRequest } from './definition.js';
import type { Rate } from './leases.js';
import { parseRate } from './rate.js';

type Effect = Partial<Pick<NetworkRequest, 'mtu' | 'isolated' | 'parent' | 'ipv6'>>;

const truth = (name: string, value: string): boolean => {
  if (/^(true|1)$/i.test(value)) return true;
  if (/^(false|0)$/i.test(value)) return false;
  throw new VlabError('input', `the option ${name} is true or false, not ${JSON.stringify(value)}`);
};

const mtu = (name: string, value: string): Effect => {
  if (/^\d{1,5}$/.test(value)) return { mtu: Number(value) };
  throw new VlabError('input', `the option ${name} is a number of bytes, not ${JSON.stringify(value)}`);
};

/** An option of which vlab does one thing only. */
const only =
  (supported: string) =>
  (name: string, value: string): Effect => {
    if (value === supported) return {};
    throw new VlabError('host', `vlab knows ${name} only as ${supported}, not as ${value}`);
  };

const OPTIONS: Record<string, (name: string, value: string) => Effect> = {
  'com.docker.network.driver.mtu': mtu,
  mtu,
  'com.docker.network.bridge.enable_icc': (name, value) => ({ isolated: !truth(name, value) }),
  parent: (_name, value) => ({ parent: value }),
  macvlan_mode: only('bridge'),
  ipvlan_mode: only('l2'),
  'com.docker.network.bridge.enable_ip_masquerade': only('true'),
  'com.docker.network.bridge.gateway_mode_ipv4': only('nat'),
  'com.docker.network.bridge.gateway_mode_ipv6': only('nat'),
  // Networks are apart from each other in any case (podman's isolate).
  isolate: only('true'),
};

/** What the options ask for, those that nobody knows being kept all the same, as docker does. Errors (`input`, `host`): a value. */
export function optionEffects(options: Readonly<Record<string, string>>): Effect {
  return Object.assign(
    {},
    ...Object.entries(options).map(([name, value]) => OPTIONS[name]?.(name, value) ?? {}),
  ) as Effect;
}

const RATES = { 'vlab.send-rate': 'sendBitsPerSecond', 'vlab.receive-rate': 'receiveBitsPerSecond' } as const;

/** Of `--driver-opt` of an end: `vlab.send-rate=10mbit`, `vlab.receive-rate=…`. Undefined: as fast as it can. */
export function rateOf(options: Readonly<Record<string, string>>): Rate | undefined {
  const rate: Rate = {};
  for (const [name, field] of Object.entries(RATES)) {
    const value = options[name];
    if (value !== undefined) rate[field] = parseRate(value);
  }
  return Object.keys(rate).length > 0 ? rate : undefined;
}

export interface AddressFlags {
  subnet: readonly string[];
  gateway: readonly string[];
  ipRange: readonly string[];
  /** `name=address` */
  auxAddress: readonly string[];
}

/** `--subnet --gateway --ip-range --aux-address`, each belonging to the subnet that has it. Error (`input`): none has. */
export function subnetRequests(flags: AddressFlags, within: (subnet: string, address: string) => boolean) {
  const subnets = flags.subnet.map(
    (subnet): NonNullable<NetworkRequest['subnets']>[number] & { auxAddresses: Record<string, string> } => ({
      subnet,
      auxAddresses: {},
    }),
  );
  const owner = (address: string, what: string) => {
    const found = subnets.find(({ subnet }) => within(subnet, address));
    if (found) return found;
    throw new VlabError('input', `no matching subnet for ${what} ${address}`, { hint: 'give the subnet: --subnet' });
  };
  for (const gateway of flags.gateway) Object.assign(owner(gateway, 'gateway'), { gateway });
  for (const ipRange of flags.ipRange) Object.assign(owner(ipRange.split('/')[0] ?? '', 'range'), { ipRange });
  for (const text of flags.auxAddress) {
    const [, name = '', address = ''] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    if (name === '') throw new VlabError('input', `${JSON.stringify(text)} is no NAME=ADDRESS`);
    owner(address, 'aux-address').auxAddresses[name] = address;
  }
  return subnets;
}
