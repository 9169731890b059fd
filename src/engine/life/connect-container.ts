/** A container's networks, when its network namespace is there. */
import { join } from 'node:path';
import { VlabError } from '../../base/errors.js';
import { type Connected, connectAll } from '../../network/connect.js';
import { rateOf } from '../../network/docker-options.js';
import { serversOf } from '../../network/name-server.js';
import { ensureDefaultNetwork, listNetworks } from '../../network/networks.js';
import type { PublishedPort } from '../../network/ports.js';
import { connectRootless } from '../../network/rootless.js';
import type { ContainerDefinition } from '../define/definition.js';
import { CONTAINER_FILES, containerDir } from '../record/container-files.js';
import type { Attachment, BootProcess } from '../record/container-state.js';
import type { ContainerRecord } from '../record/records.js';
import type { Addresses } from './name-files.js';

export const DEFAULT_NETWORK = 'bridge';

export interface Connection {
  /** Those asked for, with their leases. */
  attachments: Attachment[];
  ports: PublishedPort[];
  addresses: Addresses;
}

/** Nothing is connected without networks. Errors: those of connectAll. */
export async function connectContainer(
  { id, definition, state }: ContainerRecord,
  init: BootProcess,
): Promise<Connection> {
  const asked = state.attachments;
  if (definition.network.mode !== 'networks' || asked.length === 0) {
    return { attachments: asked, ports: [], addresses: await addressesOf(definition, []) };
  }
  if (process.getuid?.() !== 0) return connectHelped({ id, definition, state }, init);
  if (asked.some(({ network }) => network === DEFAULT_NETWORK)) await ensureDefaultNetwork();
  const ports = portsOf(definition);
  const connected = await connectAll(
    asked.map((attachment, index) => ({
      ...endRequest({ id, definition, state }, init, attachment),
      ...{ device: `eth${index}`, isDefault: index === 0 },
      ...(index === 0 ? { ports } : {}),
    })),
  );
  const attachments = asked.map((attachment, index) => withLease(attachment, connected[index]));
  return {
    attachments,
    ports: connected.flatMap((lease) => lease.ports),
    addresses: await addressesOf(definition, attachments),
  };
}

/** Without root. Errors: (`host`) a network that only root can make; those of connectRootless. */
async function connectHelped({ definition, state }: ContainerRecord, init: BootProcess): Promise<Connection> {
  const [attachment, ...others] = state.attachments;
  if (!attachment || others.length > 0 || attachment.network !== DEFAULT_NETWORK) {
    throw new VlabError('host', 'without root a container is on the default network only, which it shares with none', {
      hint: 'start it without --network, let it join another container (--network container:ID), or use root',
    });
  }
  const owner = { pid: init.pid, startTime: init.startTime };
  const { nameServers, ports, ...lease } = await connectRootless({ owner, ports: portsOf(definition) });
  const attachments = [{ ...attachment, lease: { ...lease, networkId: DEFAULT_NETWORK, mac: '' } }];
  return { attachments, ports, addresses: { ...(await addressesOf(definition, attachments)), nameServers } };
}

/** What of a connection the container's record says. */
export function endRequest({ id, definition, state }: ContainerRecord, init: BootProcess, attachment: Attachment) {
  const rate = rateOf(attachment.driverOptions);
  return {
    network: attachment.network,
    namespace: `/proc/${init.pid}/ns/net`,
    owner: { pid: init.pid, startTime: init.startTime },
    container: id,
    names: [...new Set([state.name, id.slice(0, 12), definition.hostname, ...attachment.aliases])],
    addresses: [attachment.ipv4Address, attachment.ipv6Address].flatMap((address) => address ?? []),
    hostsFile: join(containerDir(id), CONTAINER_FILES.hosts),
    ...(rate ? { rate } : {}),
    ...(definition.network.dns.length > 0 ? { hasOwnServers: true } : {}),
    ...(attachment.macAddress === undefined ? {} : { mac: attachment.macAddress }),
  };
}

export function withLease(attachment: Attachment, connected: Connected | undefined): Attachment {
  if (!connected) return attachment;
  const { id, network: networkId, device, addresses, gateways, mac, prefixLengths } = connected;
  return { ...attachment, lease: { id, networkId, device, addresses, gateways, mac, prefixLengths } };
}

/** With those that are exposed, where all of them are published. */
function portsOf({ network }: ContainerDefinition): PublishedPort[] {
  const published = network.publish;
  if (!network.publishAll) return published;
  const isPublished = (port: number, protocol: string) =>
    published.some(
      (one) => one.protocol === protocol && port >= one.containerPort && port < one.containerPort + one.count,
    );
  const more = network.exposed.flatMap((text): PublishedPort[] => {
    const [port = '', protocol = 'tcp'] = text.split('/');
    const number = Number(port);
    if (isPublished(number, protocol)) return [];
    return [{ protocol: protocol as PublishedPort['protocol'], hostPort: 0, containerPort: number, count: 1 }];
  });
  return [...published, ...more];
}

export async function addressesOf(
  definition: ContainerDefinition,
  attachments: readonly Attachment[],
): Promise<Addresses> {
  const leases = attachments.flatMap(({ lease }) => lease ?? []);
  const own = leases.flatMap(({ addresses }) => addresses);
  const wantsHost = definition.network.extraHosts.some(({ address }) => address === 'host-gateway');
  return {
    own,
    host: wantsHost ? (leases[0]?.gateways[0] ?? hostOnDefaultNetwork()) : undefined,
    ipv6: own.some((address) => address.includes(':')),
    nameServers: serversOf(networksOf(leases.map(({ networkId }) => networkId))),
  };
}

const networksOf = (ids: readonly string[]) => listNetworks().networks.filter(({ id }) => ids.includes(id));

function hostOnDefaultNetwork(): string | undefined {
  return listNetworks().networks.find(({ name }) => name === DEFAULT_NETWORK)?.subnets[0]?.gateway;
}
