/** Who has which address of a network. Leases are a value that is stored whole; these functions make the next one. Pure. */
import { VlabError } from '../base/errors.js';
import type { Process } from '../sys/owners.js';
import { contains, type Family, type Prefix, parseAddress, parsePrefix, showAddress, sizeOf } from './address.js';
import type { NetworkDefinition } from './definition.js';
import type { PublishedPort } from './ports.js';

export interface Lease {
  /** Of this end of the network: 64 hexadecimal digits. */
  id: string;
  /** The network's id. */
  network: string;
  /** In the order of the network's subnets. */
  addresses: string[];
  /** `02:42:ac:1e:00:02` */
  mac: string;
  /** Who uses it: when that process has ended, the lease is swept. */
  owner: Process;
  /** Whose it is, where it is a container's: its id. */
  container?: string;
  /** What the container calls its end: `eth0`. */
  device: string;
  rate?: Rate;
  /** The container's /etc/hosts on the host: names of the network are kept up to date in it where no server answers them. */
  hostsFile?: string;
  /** What others in the network call it. */
  names: string[];
  ports: PublishedPort[];
  /** `--dns` was given: it asks no server of the network. */
  hasOwnServers?: boolean;
}

/** Bits per second. */
export interface Rate {
  sendBitsPerSecond?: number;
  receiveBitsPerSecond?: number;
}

export interface Leases {
  all: readonly Lease[];
  /** The last address that was handed out, by subnet: what was released rests as long as others are free. */
  last: Readonly<Record<string, string>>;
}

export const NO_LEASES: Leases = { all: [], last: {} };

export interface LeaseRequest {
  id: string;
  owner: Process;
  /** Static addresses, at most one of each family. */
  addresses?: readonly string[];
  mac?: string;
  device: string;
  container?: string;
  rate?: Rate;
  hostsFile?: string;
  hasOwnServers?: boolean;
  names?: readonly string[];
  ports?: readonly PublishedPort[];
}

/** `busy`: ports that are not chosen. Errors (`input`): a static address that is taken or outside, a port that is taken; (`operation`): a subnet is exhausted. */
export function takeLease(
  { all, last }: Leases,
  network: NetworkDefinition,
  request: LeaseRequest,
  busy: readonly PublishedPort[] = [],
): { lease: Lease; leases: Leases } {
  const wanted = (request.addresses ?? []).map(parseAddress);
  const prefixes = network.subnets.map(({ subnet }) => parsePrefix(subnet));
  for (const address of wanted) {
    if (!prefixes.some((prefix) => contains(prefix, address))) {
      throw new VlabError('input', `${showAddress(address)} is in no subnet of the network ${network.name}`, {
        hint: `its subnets are ${network.subnets.map(({ subnet }) => subnet).join(', ')}`,
      });
    }
  }
  const used = new Set(all.filter((one) => one.network === network.id).flatMap(({ addresses }) => addresses));
  for (const { gateway, auxAddresses = {} } of network.subnets) {
    for (const address of [gateway, ...Object.values(auxAddresses)]) used.add(showAddress(parseAddress(address)));
  }
  const next = { ...last };
  const addresses = network.subnets.map(({ subnet, ipRange }, index) => {
    const prefix = prefixes[index] as Prefix;
    const asked = wanted.find(({ family }) => family === prefix.family);
    if (asked) return staticAddress(prefix, asked, used, network);
    const free = nextFree(prefix, ipRange === undefined ? prefix : parsePrefix(ipRange), used, last[subnet]);
    if (free === undefined) {
      throw new VlabError('operation', `all addresses of ${subnet} in the network ${network.name} are taken`, {
        hint: 'remove containers, or make a network with a larger subnet',
      });
    }
    next[subnet] = free;
    return free;
  });
  const ports = choosePorts(request.ports ?? [], busy, all);
  const { id, owner, device, container, rate, hostsFile, hasOwnServers, names = [] } = request;
  const lease: Lease = {
    ...{ id, network: network.id, addresses, mac: request.mac ?? macFor(addresses), owner, device },
    ...(container === undefined ? {} : { container }),
    ...(rate === undefined ? {} : { rate }),
    ...(hostsFile === undefined ? {} : { hostsFile }),
    ...(hasOwnServers === undefined ? {} : { hasOwnServers }),
    names: [...names],
    ports,
  };
  return { lease, leases: { all: [...all, lease], last: next } };
}

/** With a free port of the host in the place of each 0. Error (`input`): a lease of `all` has one of them. */
export function choosePorts(
  asked: readonly PublishedPort[],
  busy: readonly PublishedPort[],
  all: readonly Lease[] = [],
): PublishedPort[] {
  const ports: PublishedPort[] = [];
  for (const port of asked) {
    const taken = [...all.flatMap((one) => one.ports), ...ports, ...busy];
    const chosen = port.hostPort === 0 ? choosePort(port, taken) : port;
    mustBeFree(chosen, all);
    ports.push(chosen);
  }
  return ports;
}

/** Without that lease. One that is not there is fine. */
export function releaseLease({ all, last }: Leases, id: string): Leases {
  return { all: all.filter((lease) => lease.id !== id), last };
}

/** Without those whose owner has ended. */
export function sweepLeases({ all, last }: Leases, hasEnded: (owner: Process) => boolean) {
  const dead = all.filter(({ owner }) => hasEnded(owner));
  return { dead, leases: { all: all.filter((lease) => !dead.includes(lease)), last } };
}

/** As docker has always made it: locally administered, 02:42 and the last four bytes of the first address. */
export function macFor(addresses: readonly string[]): string {
  const [first] = addresses;
  if (first === undefined) throw new RangeError('a MAC address is made of an address');
  const low = parseAddress(first).value & 0xffffffffn;
  return `02:42:${low
    .toString(16)
    .padStart(8, '0')
    .replace(/..(?!$)/g, '$&:')}`;
}

/** The host's end of the veth pair. */
export function vethName({ id }: Pick<Lease, 'id'>): string {
  return `vlabv${id.slice(0, 10)}`;
}

export function vethAlias({ id }: Pick<Lease, 'id'>): string {
  return `vlab lease ${id}`;
}

/** The first and the last address are the network itself and (IPv4) everybody in it: no host has them. */
function isForHosts(prefix: Prefix, value: bigint): boolean {
  return value > prefix.first && (prefix.family === 6 || value < prefix.first + sizeOf(prefix) - 1n);
}

function staticAddress(
  prefix: Prefix,
  asked: { family: Family; value: bigint },
  used: Set<string>,
  network: NetworkDefinition,
) {
  const text = showAddress(asked);
  if (!isForHosts(prefix, asked.value)) throw new VlabError('input', `${text} is no address for a host of its subnet`);
  if (!used.has(text)) return text;
  throw new VlabError('input', `the address ${text} of the network ${network.name} is taken`, {
    hint: 'take another one, or let vlab choose',
  });
}

/** Goes round in `range` from the one behind `last`; looks at no more addresses than are used, and a few. */
function nextFree(subnet: Prefix, range: Prefix, used: Set<string>, last: string | undefined): string | undefined {
  const size = sizeOf(range);
  const before = last === undefined ? undefined : parseAddress(last);
  // A range of its own begins with a host, a subnet with the network itself.
  let offset = before && contains(range, before) ? before.value - range.first : range === subnet ? 0n : size - 1n;
  const looks = size < BigInt(used.size + 4) ? size : BigInt(used.size + 4);
  for (let look = 0n; look < looks; look++) {
    offset = (offset + 1n) % size;
    const value = range.first + offset;
    const text = showAddress({ family: range.family, value });
    if (isForHosts(subnet, value) && !used.has(text)) return text;
  }
  return undefined;
}

function mustBeFree(port: PublishedPort, all: readonly Lease[]): void {
  const other = all.find(({ ports }) => ports.some((taken) => clash(taken, port)));
  if (!other) return;
  const { hostAddress = '0.0.0.0', hostPort } = port;
  throw new VlabError('input', `Bind for ${hostAddress}:${hostPort} failed: port is already allocated`, {
    hint: `by ${other.names[0] ?? other.container?.slice(0, 12) ?? other.id.slice(0, 12)}: take another one`,
    exitCode: 125,
  });
}

/** Of the dynamic ports (RFC 6335, section 6), the first that nobody publishes. */
function choosePort(port: PublishedPort, taken: readonly PublishedPort[]): PublishedPort {
  for (let hostPort = FIRST_DYNAMIC_PORT; hostPort + port.count - 1 <= 65535; hostPort++) {
    const chosen = { ...port, hostPort };
    if (!taken.some((other) => clash(other, chosen))) return chosen;
  }
  throw new VlabError('operation', `no ${port.count} ports of the host are free to publish`, {
    hint: 'name the ports of the host, or remove containers',
  });
}

const FIRST_DYNAMIC_PORT = 49152;

function clash(one: PublishedPort, other: PublishedPort): boolean {
  const [from, to] = [one.hostPort, one.hostPort + one.count];
  const meets = one.protocol === other.protocol && from < other.hostPort + other.count && other.hostPort < to;
  return (
    meets && (one.hostAddress === undefined || other.hostAddress === undefined || one.hostAddress === other.hostAddress)
  );
}
