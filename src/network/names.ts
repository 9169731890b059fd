/** Who is called what in a network, as files: those of its name server, and a part of a container's /etc/hosts. Pure. */
import { DEFAULT_NETWORK, type NetworkDefinition } from './definition.js';
import type { Lease } from './leases.js';

/** Of a container's id, as docker answers it. */
const SHORT_ID_DIGITS = 12;

/** Docker answers names in networks that somebody made, not in its default one. */
export function hasNames({ driver, name }: NetworkDefinition): boolean {
  return driver === 'bridge' && name !== DEFAULT_NETWORK;
}

/** hosts(5): each address with its names. The first one, which is the answer to who has the address, is of the network's domain. */
export function hostsLines(network: NetworkDefinition, leases: readonly Lease[]): string[] {
  return leases.flatMap((lease) => {
    const names = namesOf(lease);
    if (names.length === 0) return [];
    const [first, ...rest] = names.map((name) => `${name}.${network.name}`);
    return lease.addresses.map((address) => `${address}\t${[first, ...names, ...rest].join(' ')}`);
  });
}

function namesOf({ names, container }: Lease): string[] {
  return [...new Set([...names, ...(container === undefined ? [] : [container.slice(0, SHORT_ID_DIGITS)])])];
}

/** dnsmasq(8), --servers-file: names with a dot are never asked for outside, also where they have no address of a family. */
export function localDomains(network: NetworkDefinition, leases: readonly Lease[]): string[] {
  const dotted = leases
    .flatMap(namesOf)
    .flatMap((name) => [...(name.includes('.') ? [name] : []), `${name}.${network.name}`]);
  return [...new Set(dotted)].map((name) => `server=/${name}/`);
}

export interface NameServerFiles {
  hosts: string;
  servers: string;
  pid: string;
}

export function nameServerFiles(folder: string): NameServerFiles {
  return { hosts: `${folder}/hosts`, servers: `${folder}/servers`, pid: `${folder}/pid` };
}

/** dnsmasq(8): it answers at the gateways, and asks the host's own servers what it does not know. */
export function nameServerArgs(network: NetworkDefinition, files: NameServerFiles, user: string): string[] {
  return [
    ...['--conf-file=/dev/null', `--pid-file=${files.pid}`, `--user=${user}`],
    ...['--no-hosts', `--addn-hosts=${files.hosts}`, `--servers-file=${files.servers}`, '--domain-needed'],
    network.internal ? '--no-resolv' : '--resolv-file=/etc/resolv.conf',
    '--bind-interfaces',
    ...network.subnets.map(({ gateway }) => `--listen-address=${gateway}`),
  ];
}

const begin = (network: NetworkDefinition) => `# names of the network ${network.name}, kept by vlab`;
const end = (network: NetworkDefinition) => `# end of the network ${network.name}`;

/** The text of a container's /etc/hosts with these lines as its part for the network; without lines it has none. */
export function withNames(text: string, network: NetworkDefinition, lines: readonly string[]): string {
  const all = text.split('\n');
  const [from, to] = [all.indexOf(begin(network)), all.indexOf(end(network))];
  const rest = from >= 0 && to > from ? [...all.slice(0, from), ...all.slice(to + 1)] : all;
  if (lines.length === 0) return rest.join('\n');
  const body = rest.join('\n').replace(/\n*$/, '\n');
  return `${[body + begin(network), ...lines, end(network)].join('\n')}\n`;
}

/** Whose /etc/hosts has the network's names in it: who has no server that answers them. */
export function readsNamesInFile(lease: Lease, all: readonly Lease[], isServed: (network: string) => boolean): boolean {
  if (lease.hostsFile === undefined) return false;
  if (lease.hasOwnServers || !isServed(lease.network)) return true;
  // Only one network's server is asked: that of the first.
  const first = all.find((other) => other.hostsFile === lease.hostsFile && isServed(other.network));
  return first !== undefined && first.id !== lease.id;
}
