/** `--network` and the flags around it (docker-run(1); docker's opts/network.go). Pure. */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import type { AskedContainer } from '../../engine/define/asked-container.js';
import { refuse } from '../../engine/define/asked-error.js';
import type { NetworkAttachment } from '../../engine/define/definition-parts.js';
import { parsePublishedPort } from '../../network/ports.js';
import { csvFields } from './csv.js';
import { splitOnce, wrongValue } from './wrong.js';

/** What docker calls the default network. */
const DEFAULT_NETWORK = 'bridge';
/** Ways to be without a network of vlab's. */
const MODES = ['host', 'none'];

export interface NetworkFlags {
  network?: string[] | undefined;
  'network-alias'?: string[] | undefined;
  ip?: string | undefined;
  ip6?: string | undefined;
  'mac-address'?: string | undefined;
  'link-local-ip'?: string[] | undefined;
  publish?: string[] | undefined;
  'publish-all'?: boolean | undefined;
  expose?: string[] | undefined;
  dns?: string[] | undefined;
  'dns-search'?: string[] | undefined;
  'dns-option'?: string[] | undefined;
  'add-host'?: string[] | undefined;
}

export function readNetwork(flags: NetworkFlags): AskedContainer['network'] {
  const publish = (flags.publish ?? []).map(readPublish);
  return {
    ...placeOf(flags),
    publish,
    publishAll: flags['publish-all'] ?? false,
    exposed: [...new Set([...publish.flatMap(portsOf), ...(flags.expose ?? []).flatMap(readExpose)])],
    dns: (flags.dns ?? []).map((text) => {
      if (isIP(text) === 0) throw wrongValue('--dns', text, `IP address is not correctly formatted: ${text}`);
      return text;
    }),
    dnsSearch: (flags['dns-search'] ?? []).map((text) => {
      if (text === '.' || DOMAIN.test(text)) return text;
      throw wrongValue('--dns-search', text, `${text} is not a valid domain`);
    }),
    dnsOptions: flags['dns-option'] ?? [],
    extraHosts: (flags['add-host'] ?? []).map(readAddHost),
  };
}

const DOMAIN = /^[a-zA-Z0-9](?:[a-zA-Z0-9_-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9_-]*[a-zA-Z0-9])?)*\.?$/;

/** The first network has what the flags beside it say. */
function placeOf(flags: NetworkFlags): Pick<AskedContainer['network'], 'mode' | 'attachments'> {
  const attachments = (flags.network ?? [DEFAULT_NETWORK]).map(readAttachment);
  const [first, ...others] = attachments;
  if (!first) throw new RangeError('there is always one network');
  const mode = modeOf(first.network);
  if (others.length > 0 && [first, ...others].some(({ network }) => modeOf(network) !== undefined)) {
    throw refuse('conflicting options: cannot attach both user-defined and non-user-defined network-modes');
  }
  const twice = others.find(({ network }, index) => attachments.findIndex((one) => one.network === network) <= index);
  if (twice) throw refuse(`network ${JSON.stringify(twice.network)} is specified multiple times`);
  const beside = besideFlags(flags);
  const clash = Object.keys(beside).find((key) => key in first && key !== 'aliases');
  if (clash) throw refuse(`conflicting options: cannot specify both ${FLAG_OF[clash]} and a per-network address`);
  if (beside.aliases && first.aliases.length > 0) {
    throw refuse('conflicting options: cannot specify both --network-alias and per-network alias');
  }
  if (mode !== undefined) {
    if (beside.aliases) throw refuse('network-scoped aliases are only supported for user-defined networks');
    return { mode, attachments: Object.keys(beside).length > 0 ? [{ ...first, ...beside }] : [] };
  }
  return { mode: 'networks', attachments: [{ ...first, ...beside }, ...others] };
}

const FLAG_OF: Record<string, string> = { ipv4Address: '--ip', ipv6Address: '--ip6', macAddress: '--mac-address' };

function modeOf(network: string): string | undefined {
  return MODES.includes(network) || network.startsWith('container:') ? network : undefined;
}

function besideFlags(flags: NetworkFlags): Partial<NetworkAttachment> {
  if (flags['link-local-ip']?.length) throw refuse('--link-local-ip: vlab leaves link-local addresses to the kernel');
  return {
    ...(flags['network-alias']?.length ? { aliases: flags['network-alias'] } : {}),
    ...(flags.ip === undefined ? {} : { ipv4Address: addressOf('--ip', flags.ip, isIPv4) }),
    ...(flags.ip6 === undefined ? {} : { ipv6Address: addressOf('--ip6', flags.ip6, isIPv6) }),
    ...(flags['mac-address'] === undefined ? {} : { macAddress: macOf(flags['mac-address']) }),
  };
}

function addressOf(flag: string, text: string, isOne: (text: string) => boolean): string {
  if (isOne(text)) return text;
  throw wrongValue(flag, text, `it is no address of ${flag.endsWith('6') ? 'IPv6' : 'IPv4'}`);
}

function macOf(text: string): string {
  if (!/^[0-9a-fA-F]{2}([:-])(?:[0-9a-fA-F]{2}\1){4}[0-9a-fA-F]{2}$/.test(text)) {
    throw refuse(`${text} is not a valid mac address`);
  }
  return text.toLowerCase().replaceAll('-', ':');
}

/** A name, or `name=…,alias=…,ip=…`. */
function readAttachment(text: string): NetworkAttachment {
  const wrong = (why: string) => wrongValue('--network', text, why);
  if (text === '' || text === 'container:') throw wrong('network name/id is not specified');
  if (!text.includes('='))
    return { network: text === 'default' ? DEFAULT_NETWORK : text, aliases: [], driverOptions: {} };
  const found: NetworkAttachment = { network: '', aliases: [], driverOptions: {} };
  for (const field of csvFields(text) ?? [text]) {
    const [key, value] = splitOnce(field, '=');
    if (value === undefined) throw wrong(`invalid field ${field}`);
    switch (key.toLowerCase()) {
      case 'name':
        found.network = value === 'default' ? DEFAULT_NETWORK : value;
        break;
      case 'alias':
        found.aliases.push(value);
        break;
      case 'ip':
        found.ipv4Address = addressOf('--network ip', value, isIPv4);
        break;
      case 'ip6':
        found.ipv6Address = addressOf('--network ip6', value, isIPv6);
        break;
      case 'mac-address':
        found.macAddress = macOf(value);
        break;
      case 'driver-opt': {
        const [name, option] = splitOnce(value, '=');
        if (!name || option === undefined) throw wrong('invalid key value pair format in driver options');
        found.driverOptions[name.toLowerCase()] = option.toLowerCase();
        break;
      }
      case 'link-local-ip':
      case 'gw-priority':
        throw wrong(`vlab has no ${key}`);
      default:
        throw wrong(`invalid field key ${key}`);
    }
  }
  if (found.network === '') throw wrong('network name/id is not specified');
  return found;
}

type Port = ReturnType<typeof parsePublishedPort>;

/** The short form, or docker's long one: `published=8080,target=80,protocol=tcp`. */
function readPublish(text: string): Port {
  if (!text.includes('=')) return parsePublishedPort(text);
  const wrong = (why: string) => wrongValue('--publish', text, why);
  const fields = new Map((csvFields(text) ?? []).map((field) => splitOnce(field, '=')));
  for (const key of fields.keys()) {
    if (!['published', 'target', 'protocol', 'mode'].includes(key)) throw wrong(`invalid field key ${key}`);
  }
  const target = fields.get('target');
  if (!target) throw wrong('target is required');
  const published = fields.get('published');
  return parsePublishedPort(`${published ? `${published}:` : ''}${target}/${fields.get('protocol') ?? 'tcp'}`);
}

function portsOf({ containerPort, count, protocol }: Port): string[] {
  return Array.from({ length: count }, (_, at) => `${containerPort + at}/${protocol}`);
}

/** `80`, `80-90/udp`. */
function readExpose(text: string): string[] {
  if (text.includes(':')) throw refuse(`invalid port format for --expose: ${text}`);
  try {
    return portsOf(parsePublishedPort(text));
  } catch {
    throw refuse(`invalid range format for --expose: ${text}`, 'write it as 80, 80/udp or 8000-8010');
  }
}

/** `NAME:ADDRESS`, or with `=`; an address of IPv6 may stand in brackets. */
function readAddHost(text: string): { name: string; address: string } {
  const [name, value] = splitOnce(text, text.includes('=') ? '=' : ':');
  if (name === '' || value === undefined) {
    throw wrongValue('--add-host', text, `bad format for add-host: ${JSON.stringify(text)}`);
  }
  const address = value.replace(/^\[(.*)\]$/, '$1');
  if (address !== 'host-gateway' && isIP(address) === 0) {
    throw wrongValue('--add-host', text, `invalid IP address in add-host: ${JSON.stringify(value)}`);
  }
  return { name, address };
}
