/**
 * The nftables rules for all networks as one value, in the JSON that `nft -j -f` takes (libnftables-json(5)). They live in a
 * table of vlab's own, which each version replaces whole, in one transaction. Pure.
 */
import { type Family, parseAddress, parsePrefix } from './address.js';
import { bridgeName, type NetworkDefinition } from './definition.js';
import type { Lease } from './leases.js';

export const TABLE = { family: 'inet', name: 'vlab' } as const;

/** An object of libnftables-json(5): a command, an expression or a statement. */
export type NftObject = Record<string, unknown>;
export interface Ruleset {
  nftables: NftObject[];
}

/** Replaces the table; without networks there is none afterwards. */
export function rulesetFor(networks: readonly NetworkDefinition[], leases: readonly Lease[]): Ruleset {
  // A table that is not there cannot be deleted: it is added first.
  const emptied = [{ add: { table: TABLE } }, { delete: { table: TABLE } }];
  const bridged = networks.filter(({ driver }) => driver === 'bridge');
  if (bridged.length === 0) return { nftables: emptied };
  return {
    nftables: [
      ...emptied,
      { add: { table: TABLE } },
      chain('ports'),
      chain('prerouting', { type: 'nat', hook: 'prerouting', prio: -100 }),
      chain('output', { type: 'nat', hook: 'output', prio: -100 }),
      chain('postrouting', { type: 'nat', hook: 'postrouting', prio: 100 }),
      chain('forward', { type: 'filter', hook: 'forward', prio: 0 }),
      ...portRules(bridged, leases),
      rule('prerouting', 'packets to the host', [TO_THIS_HOST, { jump: { target: 'ports' } }]),
      rule('output', 'and from it to itself', [TO_THIS_HOST, { jump: { target: 'ports' } }]),
      ...bridged.flatMap(translationRules),
      ...forwardRules(bridged),
    ],
  };
}

function chain(name: string, base: NftObject = {}): NftObject {
  const policy = Object.keys(base).length > 0 ? { policy: 'accept' } : {};
  return { add: { chain: { family: TABLE.family, table: TABLE.name, name, ...base, ...policy } } };
}

function rule(chainName: string, comment: string, expr: readonly NftObject[]): NftObject {
  return { add: { rule: { family: TABLE.family, table: TABLE.name, chain: chainName, comment, expr } } };
}

const match = (left: NftObject, right: unknown, op = '=='): NftObject => ({ match: { op, left, right } });
const payload = (protocol: string, field: string): NftObject => ({ payload: { protocol, field } });
const meta = (key: string): NftObject => ({ meta: { key } });
const from = (bridge: string, op = '==') => match(meta('iifname'), bridge, op);
const to = (bridge: string, op = '==') => match(meta('oifname'), bridge, op);

const IP: Record<Family, 'ip' | 'ip6'> = { 4: 'ip', 6: 'ip6' };
const TO_THIS_HOST = match({ fib: { result: 'type', flags: ['daddr'] } }, 'local');
const PUBLISHED = match({ ct: { key: 'status' } }, 'dnat', 'in');
const KNOWN = match({ ct: { key: 'state' } }, ['established', 'related'], 'in');
const [ACCEPT, DROP, MASQUERADE] = [{ accept: null }, { drop: null }, { masquerade: null }];

/** One rule for each port, family and lease. */
function portRules(networks: readonly NetworkDefinition[], leases: readonly Lease[]): NftObject[] {
  return leases.flatMap((lease) => {
    const network = networks.find(({ id }) => id === lease.network);
    if (!network || network.internal) return [];
    return lease.ports.flatMap(({ protocol, hostAddress, hostPort, containerPort, count }) =>
      lease.addresses.flatMap((address) => {
        const { family } = parseAddress(address);
        const only = hostAddress === undefined ? undefined : parseAddress(hostAddress);
        if (only && only.family !== family) return [];
        const isAny = only === undefined || only.value === 0n;
        return Array.from({ length: count }, (_, at) =>
          rule('ports', `of ${lease.id.slice(0, 12)}`, [
            ...(isAny
              ? [match(meta('nfproto'), family === 4 ? 'ipv4' : 'ipv6')]
              : [match(payload(IP[family], 'daddr'), hostAddress)]),
            match(payload(protocol, 'dport'), hostPort + at),
            { dnat: { family: IP[family], addr: address, port: containerPort + at } },
          ]),
        );
      }),
    );
  });
}

/** Outside they have the host's address; so they have towards each other, when they go by a published port (hairpin). */
function translationRules(network: NetworkDefinition): NftObject[] {
  if (network.internal) return [];
  const bridge = bridgeName(network);
  return network.subnets.flatMap(({ subnet }) => {
    const { family, length } = parsePrefix(subnet);
    const saddr = payload(IP[family], 'saddr');
    const inside = match(saddr, { prefix: { addr: subnet.split('/')[0], len: length } });
    const loopback = match(saddr, { prefix: { addr: '127.0.0.0', len: 8 } });
    return [
      rule('postrouting', `${subnet} to the outside`, [inside, to(bridge, '!='), MASQUERADE]),
      rule('postrouting', `${subnet} to itself by a published port`, [inside, to(bridge), PUBLISHED, MASQUERADE]),
      ...(family === 4 ? [rule('postrouting', `localhost to ${subnet}`, [loopback, to(bridge), MASQUERADE])] : []),
    ];
  });
}

function forwardRules(networks: readonly NetworkDefinition[]): NftObject[] {
  const bridges = { set: networks.map(bridgeName) };
  const internal = networks.filter((network) => network.internal).map(bridgeName);
  const isolated = networks.filter((network) => network.isolated).map(bridgeName);
  const open = networks.map(bridgeName).filter((bridge) => !isolated.includes(bridge));
  return [
    ...internal.flatMap((bridge) => [
      rule('forward', 'nothing leaves an internal network', [from(bridge), to(bridge, '!='), DROP]),
      rule('forward', 'and nothing gets in', [from(bridge, '!='), to(bridge), DROP]),
    ]),
    rule('forward', 'answers', [KNOWN, ACCEPT]),
    rule('forward', 'published ports', [match(meta('oifname'), bridges), PUBLISHED, ACCEPT]),
    ...open.map((bridge) => rule('forward', 'within a network', [from(bridge), to(bridge), ACCEPT])),
    rule('forward', 'from elsewhere, other networks too', [match(meta('oifname'), bridges), DROP]),
  ];
}
