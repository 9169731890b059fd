/** Networks as docker lists and inspects them. Pure. */
import { createHash } from 'node:crypto';
import { asMap } from '../base/go-map.js';
import { parsePrefix } from '../network/address.js';
import { DEFAULT_NETWORK, type NetworkDefinition } from '../network/definition.js';
import type { Lease } from '../network/leases.js';
import type { NetworkFacts } from './format/filter-rules.js';
import type { NetworkRow } from './format/listings.js';

/** What is there without having been made; `bridge` too, until the first container is on it. */
const BUILT_IN = [DEFAULT_NETWORK, 'host', 'none'];

type Shown = Pick<NetworkDefinition, 'id' | 'name' | 'subnets' | 'internal' | 'labels' | 'options' | 'createdAt'> & {
  driver: string;
};

/** Those that were made, and those that always are. */
export function withBuiltIn(networks: readonly NetworkDefinition[]): Shown[] {
  const missing = BUILT_IN.filter((name) => !networks.some((one) => one.name === name));
  return [...networks, ...missing.map(builtIn)].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function builtIn(name: string): Shown {
  return {
    id: createHash('sha256').update(`vlab network ${name}`).digest('hex'),
    ...{ name, driver: name === 'none' ? 'null' : name, subnets: [], internal: false },
    ...{ labels: {}, options: {}, createdAt: '1970-01-01T00:00:00Z' },
  };
}

const isBuiltIn = ({ name }: Shown) => BUILT_IN.includes(name);
const hasFamily = ({ subnets }: Shown, family: 4 | 6) =>
  subnets.some((one) => parsePrefix(one.subnet).family === family);

export function networkRow(network: Shown): NetworkRow {
  const { id, name, driver, internal, labels, createdAt } = network;
  return {
    ...{ id, name, driver, internal, labels, scope: 'local', createdAtMs: Date.parse(createdAt) },
    ...{ ipv4: hasFamily(network, 4) || isBuiltIn(network), ipv6: hasFamily(network, 6) },
  };
}

export function networkFacts(network: Shown, leases: readonly Lease[]): NetworkFacts {
  const { id, name, driver, labels } = network;
  const isUsed = leases.some((lease) => lease.network === id);
  return { id, name, driver, labels, scope: 'local', isBuiltIn: isBuiltIn(network), isUsed };
}

/** docker's API, "Inspect a network". `nameOf`: a container's, by its id. */
export function networkDocument(
  network: Shown,
  leases: readonly Lease[],
  nameOf: (container: string) => string | undefined,
) {
  const ends = leases.filter((lease) => lease.network === network.id);
  const { id, name, createdAt, driver, internal, options, labels, subnets } = network;
  return {
    ...{ Name: name, Id: id, Created: createdAt, Scope: 'local', Driver: driver },
    ...{ EnableIPv4: hasFamily(network, 4) || isBuiltIn(network), EnableIPv6: hasFamily(network, 6) },
    IPAM: {
      ...{ Driver: 'default', Options: null },
      Config: subnets.map(({ subnet, gateway, ipRange, auxAddresses }) => ({
        ...{ Subnet: subnet, ...(ipRange === undefined ? {} : { IPRange: ipRange }), Gateway: gateway },
        ...(auxAddresses ? { AuxiliaryAddresses: asMap(auxAddresses) } : {}),
      })),
    },
    ...{ Internal: internal, Attachable: false, Ingress: false, ConfigFrom: { Network: '' }, ConfigOnly: false },
    Containers: asMap(
      Object.fromEntries(ends.map((lease) => [lease.container ?? lease.id, endDocument(network, lease, nameOf)])),
    ),
    ...{ Options: asMap(options), Labels: asMap(labels) },
  };
}

function endDocument({ subnets }: Shown, lease: Lease, nameOf: (container: string) => string | undefined) {
  const address = (family: 4 | 6) => {
    const at = subnets.findIndex(({ subnet }) => parsePrefix(subnet).family === family);
    const found = lease.addresses[at];
    return found === undefined ? '' : `${found}/${parsePrefix(subnets[at]?.subnet ?? '').length}`;
  };
  return {
    Name: (lease.container === undefined ? undefined : nameOf(lease.container)) ?? lease.names[0] ?? '',
    ...{ EndpointID: lease.id, MacAddress: lease.mac, IPv4Address: address(4), IPv6Address: address(6) },
  };
}
