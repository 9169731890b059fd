/** A container's /etc/hosts, /etc/resolv.conf and /etc/hostname, which lie in its directory and are mounted from there. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../base/errors.js';
import { hostsText, resolvText } from '../../network/name-files.js';
import { withKnownNames } from '../../network/name-server.js';
import type { ContainerDefinition } from '../define/definition.js';
import { CONTAINER_FILES } from '../record/container-files.js';

export interface Addresses {
  /** Of the container, in the order of its networks. */
  own: readonly string[];
  /** What `--add-host NAME:host-gateway` means: the host, as the container reaches it. */
  host: string | undefined;
  /** Whether one of its networks has IPv6. */
  ipv6: boolean;
  /** Who answers names in its networks, where somebody does. */
  nameServers: readonly string[];
}

export const NO_ADDRESSES: Addresses = { own: [], host: undefined, ipv6: false, nameServers: [] };

/** Before the container mounts them; once more when its addresses change, without moving them: they are mounted then. */
export function writeNameFiles(directory: string, definition: ContainerDefinition, addresses: Addresses): void {
  const { hostname, domainname, network } = definition;
  const { dns, dnsSearch, dnsOptions, extraHosts } = network;
  const extra = extraHosts.flatMap(({ name, address }) => {
    const real = address === 'host-gateway' ? addresses.host : address;
    return real === undefined ? [] : [{ name, address: real }];
  });
  const onHost = network.mode === 'host';
  const ownHosts = hostsText({ hostname, ...(domainname ? { domainname } : {}), addresses: addresses.own, extra });
  const hosts = onHost
    ? `${textOf('/etc/hosts')}${extra.map((one) => `${one.address}\t${one.name}\n`).join('')}`
    : ownHosts;
  const servers = dns.length > 0 ? dns : addresses.nameServers;
  const plain = onHost && dns.length + dnsSearch.length + dnsOptions.length === 0;
  const asked = { dns: servers, search: dnsSearch, options: dnsOptions };
  const host = textOf('/etc/resolv.conf');
  const resolv = plain ? host : resolvText({ host, ...asked, ipv6: addresses.ipv6 });
  const hostsFile = join(directory, CONTAINER_FILES.hosts);
  write(hostsFile, withKnownNames(hostsFile, hosts));
  write(join(directory, CONTAINER_FILES.resolvConf), resolv);
  write(join(directory, CONTAINER_FILES.hostname), `${domainname ? `${hostname}.${domainname}` : hostname}\n`);
}

/** Everybody in the container may read it, whatever this process's mask is. */
function write(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o644 });
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return '';
    throw error;
  }
}
