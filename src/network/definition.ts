/**
 * What a network is, as it is stored, and how one is made of what somebody asked for. Pure: the networks that are there and the
 * routes of the host are given.
 */
import * as v from 'valibot';
import { VlabError } from '../base/errors.js';
import {
  contains,
  overlaps,
  type Prefix,
  parseAddress,
  parsePrefix,
  partsOf,
  showAddress,
  showPrefix,
} from './address.js';

const text = v.pipe(v.string(), v.minLength(1));
const mtu = v.pipe(v.number(), v.integer(), v.minValue(68), v.maxValue(65535)); // RFC 791; IPv6 needs 1280

export const subnetSchema = v.strictObject({
  /** `10.1.0.0/16` or `fd00:1::/64`. */
  subnet: text,
  gateway: text,
  /** Where free addresses are taken from: a part of the subnet. */
  ipRange: v.optional(text),
  /** Addresses that others have, by name: never handed out. */
  auxAddresses: v.optional(v.record(v.string(), text)),
});

export const networkSchema = v.strictObject({
  /** 64 hexadecimal digits. */
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  name: v.pipe(v.string(), v.regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/)),
  driver: v.picklist(['bridge', 'macvlan', 'ipvlan']),
  /** At most one of each family. */
  subnets: v.array(subnetSchema),
  mtu: v.optional(mtu),
  /** Nothing gets out of it, and nothing in. */
  internal: v.boolean(),
  /** Its containers do not reach each other. */
  isolated: v.boolean(),
  /** The device of the host that a macvlan network is on. */
  parent: v.optional(text),
  labels: v.record(v.string(), v.string()),
  options: v.record(v.string(), v.string()),
  /** RFC 3339. */
  createdAt: text,
});

export type NetworkDefinition = v.InferOutput<typeof networkSchema>;

export interface SubnetRequest {
  subnet: string;
  gateway?: string;
  ipRange?: string;
  auxAddresses?: Readonly<Record<string, string>>;
}

export interface NetworkRequest {
  name: string;
  driver?: NetworkDefinition['driver'];
  /** Without one of IPv4, a free one is chosen. The gateway is the first address unless it is named. */
  subnets?: readonly SubnetRequest[];
  /** A subnet of IPv6 too, also where none is named. */
  ipv6?: boolean;
  mtu?: number;
  internal?: boolean;
  isolated?: boolean;
  parent?: string;
  labels?: Record<string, string>;
  options?: Record<string, string>;
}

export interface NetworkSurroundings {
  networks: readonly NetworkDefinition[];
  /** Destinations of the host's routes (`10.0.0.0/8`), without the default routes. */
  routes: readonly string[];
  /** For the new one: 64 random hexadecimal digits. */
  id: string;
  createdAt: string;
}

/** Where free subnets are looked for, and how long their prefixes are: ranges of RFC 1918 that few hosts use. */
const POOLS = ['172.30.0.0/16', '172.31.0.0/16', '10.213.0.0/16', '192.168.0.0/16'].map(parsePrefix);
const CHOSEN_BITS = 24;

/** Docker's name of the network that containers are on which ask for no other. */
export const DEFAULT_NETWORK = 'bridge';

/** What `--network` means otherwise. */
const RESERVED = new Set(['host', 'none', 'default']);

/** Errors (`input`): a name that is taken or none, subnets that overlap or hold no container; (`host`): no subnet is free. */
export function defineNetwork(request: NetworkRequest, around: NetworkSurroundings): NetworkDefinition {
  const { name, driver = 'bridge', internal = false, isolated = false } = request;
  if (RESERVED.has(name)) throw new VlabError('input', `the name ${name} is not for a network of one's own`);
  if (around.networks.some((other) => other.name === name)) {
    throw new VlabError('input', `network with name ${name} already exists`, {
      exitCode: 1,
      hint: 'take another name, or remove that one',
    });
  }
  if (driver !== 'bridge' && request.parent === undefined) {
    throw new VlabError('input', `a network of the driver ${driver} needs a parent`, {
      hint: 'name a device of the host: -o parent=eth0',
    });
  }
  const taken = around.networks.flatMap(({ subnets }) => subnets.map(({ subnet }) => parsePrefix(subnet)));
  const asked = (request.subnets ?? []).map((one) => ({ ...one, prefix: parsePrefix(one.subnet) }));
  const families = asked.map(({ prefix }) => prefix.family);
  if (new Set(families).size < families.length) {
    throw new VlabError('input', 'a network has at most one subnet of IPv4 and one of IPv6');
  }
  for (const { prefix, subnet } of asked) {
    if (taken.some((other) => overlaps(other, prefix))) {
      throw new VlabError('input', `the subnet ${subnet} overlaps with one of another network`, {
        hint: 'look at the networks that are there, and take another subnet',
      });
    }
    if (prefix.length > (prefix.family === 4 ? 30 : 126)) {
      throw new VlabError('input', `the subnet ${subnet} has no room for a gateway and a container`);
    }
  }
  const occupied = [...taken, ...around.routes.map(parsePrefix)];
  const chosen: (Partial<SubnetRequest> & { prefix: Prefix })[] = [...asked];
  if (!families.includes(4)) chosen.unshift({ prefix: freeSubnet(occupied) });
  if (request.ipv6 && !families.includes(6)) chosen.push({ prefix: uniqueLocal(around.id) });
  const definition = {
    ...{ id: around.id, name, driver, internal, isolated, createdAt: around.createdAt },
    subnets: chosen.map(subnetOf),
    ...(request.mtu === undefined ? {} : { mtu: request.mtu }),
    ...(request.parent === undefined ? {} : { parent: request.parent }),
    labels: request.labels ?? {},
    options: request.options ?? {},
  };
  const checked = v.safeParse(networkSchema, definition);
  if (checked.success) return checked.output;
  const [issue] = checked.issues;
  throw new VlabError('input', `the network's ${v.getDotPath(issue)} cannot be so: ${issue.message}`);
}

/** The first subnet of the pools that overlaps with none of `occupied`. Error (`host`): there is none. */
export function freeSubnet(occupied: readonly Prefix[]): Prefix {
  for (const pool of POOLS) {
    for (const part of partsOf(pool, CHOSEN_BITS)) {
      if (!occupied.some((other) => overlaps(other, part))) return part;
    }
  }
  throw new VlabError('host', `no subnet is free in ${POOLS.map(showPrefix).join(', ')}`, {
    hint: 'remove networks that nobody uses, or name a subnet',
  });
}

/** A prefix of RFC 4193 with 40 bits of the network's id as its global id. */
export function uniqueLocal(id: string): Prefix {
  return { family: 6, first: BigInt(`0xfd${id.slice(0, 10)}`) << 80n, length: 64 };
}

function subnetOf(asked: Partial<SubnetRequest> & { prefix: Prefix }): v.InferOutput<typeof subnetSchema> {
  const { prefix, gateway, ipRange, auxAddresses = {} } = asked;
  const range = ipRange === undefined ? undefined : parsePrefix(ipRange);
  if (range && !(contains(prefix, { ...range, value: range.first }) && range.length >= prefix.length)) {
    throw new VlabError('input', `the range ${ipRange} is no part of ${showPrefix(prefix)}`);
  }
  for (const [name, address] of Object.entries(auxAddresses)) {
    if (contains(prefix, parseAddress(address))) continue;
    throw new VlabError('input', `the address ${address} of ${name} is not in ${showPrefix(prefix)}`);
  }
  return {
    ...{ subnet: showPrefix(prefix), gateway: gatewayIn(prefix, gateway) },
    ...(range ? { ipRange: showPrefix(range) } : {}),
    ...(Object.keys(auxAddresses).length > 0 ? { auxAddresses: { ...auxAddresses } } : {}),
  };
}

function gatewayIn(prefix: Prefix, asked: string | undefined): string {
  if (asked === undefined) return showAddress({ family: prefix.family, value: prefix.first + 1n });
  const gateway = parseAddress(asked);
  if (contains(prefix, gateway) && gateway.value !== prefix.first) return showAddress(gateway);
  throw new VlabError('input', `the gateway ${asked} is no address for a host in ${showPrefix(prefix)}`);
}

/** The bridge's name on the host: as long as a name can be. */
export function bridgeName({ id }: Pick<NetworkDefinition, 'id'>): string {
  return `vlab-${id.slice(0, 10)}`;
}

/** What its alias says (ip-link(8)): with the name, the sign that a link is vlab's own. */
export function bridgeAlias({ id }: Pick<NetworkDefinition, 'id'>): string {
  return `vlab network ${id}`;
}
