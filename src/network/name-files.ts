/** The texts of a container's /etc/hosts and /etc/resolv.conf, as docker makes them. Pure. */
import { parseAddress } from './address.js';

export interface HostsRequest {
  hostname: string;
  domainname?: string;
  /** Of the container, in the order of its networks. */
  addresses: readonly string[];
  /** `--add-host`, in the order in which they were given. */
  extra: readonly { name: string; address: string }[];
}

const LOOPBACK_ENTRIES = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::\tip6-localnet',
  'ff00::\tip6-mcastprefix',
  'ff02::1\tip6-allnodes',
  'ff02::2\tip6-allrouters',
];

/** hosts(5). */
export function hostsText({ hostname, domainname, addresses, extra }: HostsRequest): string {
  const own = domainname ? `${hostname}.${domainname} ${hostname}` : hostname;
  return [
    ...LOOPBACK_ENTRIES,
    ...extra.map(({ name, address }) => `${address}\t${name}`),
    ...addresses.map((address) => `${address}\t${own}`),
    '',
  ].join('\n');
}

export interface ResolvConf {
  nameservers: string[];
  search: string[];
  options: string[];
}

/** What resolv.conf(5) reads: the last `search` or `domain` line counts, comments and unknown lines do not. */
export function parseResolvConf(text: string): ResolvConf {
  const found: ResolvConf = { nameservers: [], search: [], options: [] };
  for (const line of text.split('\n')) {
    const [word, ...rest] = line
      .replace(/^\s*[#;].*|\s[#;].*/, '')
      .trim()
      .split(/\s+/);
    if (word === 'nameserver' && rest[0] !== undefined) found.nameservers.push(rest[0]);
    if (word === 'search' || word === 'domain') found.search = rest;
    if (word === 'options') found.options.push(...rest);
  }
  return found;
}

export interface ResolvRequest {
  /** The host's resolv.conf. */
  host: string;
  /** `--dns`, `--dns-search`, `--dns-option`: each replaces what the host has. A search of `.` is none. */
  dns?: readonly string[];
  search?: readonly string[];
  options?: readonly string[];
  /** Whether the container's network has IPv6: without, servers of IPv6 are out of its reach. */
  ipv6: boolean;
}

/** What containers ask when the host asks only itself, which they cannot reach; docker takes the same. */
const PUBLIC_SERVERS = { 4: ['8.8.8.8', '8.8.4.4'], 6: ['2001:4860:4860::8888', '2001:4860:4860::8844'] };

export function resolvText({ host, dns, search, options, ipv6 }: ResolvRequest): string {
  const known = parseResolvConf(host);
  const reachable = known.nameservers.filter((server) => isReachable(server, ipv6));
  const fallback = [...PUBLIC_SERVERS[4], ...(ipv6 ? PUBLIC_SERVERS[6] : [])];
  const servers = dns?.length ? dns : reachable.length ? reachable : fallback;
  const domains = (search?.length ? search : known.search).filter((name) => name !== '.');
  const settings = options?.length ? options : known.options;
  return [
    ...servers.map((server) => `nameserver ${server}`),
    ...(domains.length ? [`search ${domains.join(' ')}`] : []),
    ...(settings.length ? [`options ${settings.join(' ')}`] : []),
    '',
  ].join('\n');
}

/** A server on the host's loopback, or of a link that the container is not on, is not the container's. */
function isReachable(server: string, ipv6: boolean): boolean {
  if (server.includes('%')) return false;
  try {
    const { family, value } = parseAddress(server);
    return family === 4 ? value >> 24n !== 127n : ipv6 && value !== 1n && value >> 118n !== 0xfe80n >> 6n;
  } catch {
    return false;
  }
}
