/**
 * The nftables rules for all networks as one value, in the JSON that `nft -j -f` takes (libnftables-json(5)). They live in a
 * table of the data directory's own, which each version replaces whole, in one transaction. Pure.
 */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { SYSTEM_DATA_DIR } from '../base/paths.js';
import { type Family, parseAddress, parsePrefix } from './address.js';
import { bridgeName, DEFAULT_NETWORK, type NetworkDefinition } from './definition.js';
import type { Lease } from './leases.js';

export const TABLE_FAMILY = 'inet';

/** Two data directories in one network namespace have a table each, and know nothing of each other. */
export function tableOf(dataDirectory: string): string {
  const path = resolve(dataDirectory);
  if (path === SYSTEM_DATA_DIR) return 'vlab';
  return `vlab-${createHash('sha256').update(path).digest('hex').slice(0, 8)}`;
}

/** Whether it is the table of any data directory. */
export const isTableOfVlab = (family: string, name: string): boolean =>
  family === TABLE_FAMILY && /^vlab(-[0-9a-f]{8})?$/.test(name);

/** An object of libnftables-json(5): a command, an expression or a statement. */
export type NftObject = Record<string, unknown>;
export interface Ruleset {
  nftables: NftObject[];
}

/** Replaces the table; without networks there is none afterwards. */
export function rulesetFor(
  name: string,
  { networks, leases }: { networks: readonly NetworkDefinition[]; leases: readonly Lease[] },
): Ruleset {
  const table = { family: TABLE_FAMILY, name };
  // A table that is not there cannot be deleted: it is added first.
  const emptied = [{ add: { table } }, { delete: { table } }];
  const bridged = networks.filter(({ driver }) => driver === 'bridge');
  if (bridged.length === 0) return { nftables: emptied };
  return {
    nftables: [
      ...emptied,
      { add: { table } },
      ...within(name, [
        chain('ports'),
        chain('prerouting', { type: 'nat', hook: 'prerouting', prio: -100 }),
        chain('output', { type: 'nat', hook: 'output', prio: -100 }),
        chain('postrouting', { type: 'nat', hook: 'postrouting', prio: 100 }),
        chain('forward', { type: 'filter', hook: 'forward', prio: 0 }),
        chain('guard', { type: 'filter', hook: 'prerouting', prio: -300 }),
        // They may be asked for there, by what route_localnet lets in (link-plan.ts).
        rule('guard', "nobody reaches the host's localhost from a network", [
          match(meta('iifname'), { set: bridged.map(bridgeName) }),
          match(payload('ip', 'daddr'), { prefix: { addr: '127.0.0.0', len: 8 } }),
          DROP,
        ]),
        chain('input', { type: 'filter', hook: 'input', prio: 0 }),
        ...portMaps(),
        ...portRules(),
        ...leases.flatMap((lease) =>
          portElements(
            'add',
            bridged.find(({ id }) => id === lease.network),
            lease,
          ),
        ),
        rule('prerouting', 'packets to the host', [TO_THIS_HOST, { jump: { target: 'ports' } }]),
        rule('output', 'and from it to itself', [TO_THIS_HOST, { jump: { target: 'ports' } }]),
        ...bridged.flatMap(translationRules),
        ...bridged.filter(({ name }) => name !== DEFAULT_NETWORK).flatMap(nameServerRules),
        ...forwardRules(bridged),
      ]),
    ],
  };
}

/** A command on what is in the table, which it does not name yet. */
type InTable = Record<string, Record<string, NftObject>>;

function within(table: string, commands: readonly InTable[]): NftObject[] {
  return commands.map((command) => {
    const [verb, of] = only(command);
    const [kind, what] = only(of);
    return { [verb]: { [kind]: { family: TABLE_FAMILY, table, ...what } } };
  });
}

const only = <T>(record: Record<string, T>) => Object.entries(record)[0] as [string, T];

function chain(name: string, base: NftObject = {}): InTable {
  const policy = Object.keys(base).length > 0 ? { policy: 'accept' } : {};
  return { add: { chain: { name, ...base, ...policy } } };
}

function rule(chainName: string, comment: string, expr: readonly NftObject[]): InTable {
  return { add: { rule: { chain: chainName, comment, expr } } };
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

/** Ports that are published on every address of the host, and on one: a map each for the container's address and for its port. */
const PORT_MAPS = ([4, 6] as const).flatMap((family) => [
  { name: `every${family}`, family, isEvery: true },
  { name: `one${family}`, family, isEvery: false },
]);
type PortMap = (typeof PORT_MAPS)[number];

/** libnftables-json of nftables 1.0 has no maps to pairs. */
function portMaps(): InTable[] {
  return PORT_MAPS.flatMap(({ name, family, isEvery }) => {
    const type = [...(isEvery ? [] : [`ipv${family}_addr`]), 'inet_proto', 'inet_service'];
    const map = (what: string, to: string): InTable => ({
      add: { map: { name: `${name}_${what}`, type, map: to } },
    });
    return [map('address', `ipv${family}_addr`), map('port', 'inet_service')];
  });
}

/** Those of one address come first: a port may be published there and, by another program, on the rest. */
function portRules(): InTable[] {
  return PORT_MAPS.toReversed().map(({ name, family, isEvery }) => {
    const ports = [meta('l4proto'), payload('th', 'dport')];
    const key = { concat: isEvery ? ports : [payload(IP[family], 'daddr'), ...ports] };
    const by = (what: string) => ({ map: { key, data: `@${name}_${what}` } });
    return rule('ports', `published on ${isEvery ? 'every address' : 'one address'}`, [
      match(meta('nfproto'), `ipv${family}`),
      match(meta('l4proto'), { set: ['tcp', 'udp', 'sctp'] }),
      { dnat: { family: IP[family], addr: by('address'), port: by('port') } },
    ]);
  });
}

/** The elements of a lease in these maps, as one command for each map that has any. */
function portElements(verb: 'add' | 'delete', network: NetworkDefinition | undefined, lease: Lease): InTable[] {
  if (network?.driver !== 'bridge' || network.internal) return [];
  const elements = new Map<string, NftObject[][]>();
  const put = (map: string, key: unknown[], value: unknown) => {
    elements.set(map, [...(elements.get(map) ?? []), [{ concat: key }, value] as NftObject[]]);
  };
  for (const { protocol, hostAddress, hostPort, containerPort, count } of lease.ports) {
    const only = hostAddress === undefined ? undefined : parseAddress(hostAddress);
    for (const address of lease.addresses) {
      const { family } = parseAddress(address);
      if (only && only.family !== family) continue;
      const isEvery = only === undefined || only.value === 0n;
      const { name } = PORT_MAPS.find((one) => one.family === family && one.isEvery === isEvery) as PortMap;
      for (let at = 0; at < count; at++) {
        const key = [...(isEvery ? [] : [hostAddress]), protocol, hostPort + at];
        put(`${name}_address`, key, address);
        put(`${name}_port`, key, containerPort + at);
      }
    }
  }
  return [...elements].map(([name, elem]) => ({
    [verb]: { element: { name, elem } },
  }));
}

/** What changes in the table when leases go and come. Their networks must be in it. */
export function changeOfLeases(
  table: string,
  networks: readonly NetworkDefinition[],
  { gone, come }: { gone: readonly Lease[]; come: readonly Lease[] },
): Ruleset {
  const networkOf = (lease: Lease) => networks.find(({ id }) => id === lease.network);
  const commands = [
    ...gone.flatMap((lease) => portElements('delete', networkOf(lease), lease)),
    ...come.flatMap((lease) => portElements('add', networkOf(lease), lease)),
  ];
  return { nftables: within(table, commands) };
}

/** Outside they have the host's address; so they have towards each other, when they go by a published port (hairpin). */
function translationRules(network: NetworkDefinition): InTable[] {
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

/** A network's names are answered to its containers, and to the host. */
function nameServerRules(network: NetworkDefinition): InTable[] {
  const own = { set: [bridgeName(network), 'lo'] };
  return network.subnets.map(({ gateway }) =>
    rule('input', 'names are for their own network', [
      match(meta('iifname'), own, '!='),
      match(payload(IP[parseAddress(gateway).family], 'daddr'), gateway),
      match(meta('l4proto'), { set: ['tcp', 'udp'] }),
      match(payload('th', 'dport'), 53),
      DROP,
    ]),
  );
}

function forwardRules(networks: readonly NetworkDefinition[]): InTable[] {
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
