/** `NetworkSettings` of a container's document, and ports as docker writes them there and in `ps`. Pure. */
import { asMap } from '../../base/go-map.js';
import type { PublishedPort } from '../../network/ports.js';
import type { Attachment, Status } from '../record/container-state.js';
import type { ContainerRecord } from '../record/records.js';

export interface PortBinding {
  HostIp: string;
  HostPort: string;
}

/** By `80/tcp`, each port of a range for itself. Port 0 is one that is still to be chosen. */
export function portBindings(ports: readonly PublishedPort[]): Record<string, PortBinding[]> {
  const bindings: Record<string, PortBinding[]> = {};
  for (const { protocol, hostAddress = '', hostPort, containerPort, count } of ports) {
    for (let at = 0; at < count; at++) {
      const key = `${containerPort + at}/${protocol}`;
      const binding = { HostIp: hostAddress, HostPort: hostPort === 0 ? '' : String(hostPort + at) };
      bindings[key] = [...(bindings[key] ?? []), binding];
    }
  }
  return asMap(bindings);
}

/** Where a port of a running container is reached; one on all addresses is there in both families. */
function livePorts(ports: readonly PublishedPort[], exposed: readonly string[]) {
  const bindings: Record<string, PortBinding[] | null> = Object.fromEntries(exposed.map((port) => [port, null]));
  for (const [key, of] of Object.entries(portBindings(ports))) {
    bindings[key] = of.flatMap(({ HostIp, HostPort }) =>
      HostIp === ''
        ? [
            { HostIp: '0.0.0.0', HostPort },
            { HostIp: '::', HostPort },
          ]
        : [{ HostIp, HostPort }],
    );
  }
  return asMap(bindings);
}

export function networkSettingsDocument({ definition, state }: ContainerRecord, status: Status) {
  const isUp = status === 'running' || status === 'paused';
  const networks = Object.fromEntries(
    state.attachments.map((attachment) => [attachment.network, endpointDocument(attachment, isUp)]),
  );
  const onDefault = networks.bridge;
  return {
    Bridge: '',
    SandboxID: '',
    SandboxKey: isUp && state.process ? `/proc/${state.process.pid}/ns/net` : '',
    Ports: isUp ? livePorts(state.ports ?? [], definition.network.exposed) : asMap({}),
    HairpinMode: false,
    EndpointID: onDefault?.EndpointID ?? '',
    Gateway: onDefault?.Gateway ?? '',
    GlobalIPv6Address: onDefault?.GlobalIPv6Address ?? '',
    GlobalIPv6PrefixLen: onDefault?.GlobalIPv6PrefixLen ?? 0,
    IPAddress: onDefault?.IPAddress ?? '',
    IPPrefixLen: onDefault?.IPPrefixLen ?? 0,
    IPv6Gateway: onDefault?.IPv6Gateway ?? '',
    MacAddress: onDefault?.MacAddress ?? '',
    Networks: asMap(networks),
  };
}

function endpointDocument(attachment: Attachment, isUp: boolean) {
  const lease = isUp ? attachment.lease : undefined;
  const [ipv4, ipv6] = [false, true].map((six) => {
    const at = lease?.addresses.findIndex((each) => isSix(each) === six) ?? -1;
    return lease && at >= 0 ? { address: lease.addresses[at], length: lease.prefixLengths[at] } : undefined;
  });
  const [gateway4, gateway6] = [false, true].map((six) => lease?.gateways.find((each) => isSix(each) === six) ?? '');
  const { ipv4Address, ipv6Address } = attachment;
  return {
    IPAMConfig:
      ipv4Address === undefined && ipv6Address === undefined
        ? null
        : {
            ...(ipv4Address !== undefined && { IPv4Address: ipv4Address }),
            ...(ipv6Address !== undefined && { IPv6Address: ipv6Address }),
          },
    Links: null,
    Aliases: attachment.aliases.length > 0 ? attachment.aliases : null,
    MacAddress: lease?.mac ?? attachment.macAddress ?? '',
    DriverOpts: Object.keys(attachment.driverOptions).length > 0 ? asMap(attachment.driverOptions) : null,
    NetworkID: lease?.networkId ?? '',
    EndpointID: lease?.id ?? '',
    Gateway: gateway4 ?? '',
    IPAddress: ipv4?.address ?? '',
    IPPrefixLen: ipv4?.length ?? 0,
    IPv6Gateway: gateway6 ?? '',
    GlobalIPv6Address: ipv6?.address ?? '',
    GlobalIPv6PrefixLen: ipv6?.length ?? 0,
    DNSNames: attachment.aliases.length > 0 ? attachment.aliases : null,
  };
}

function isSix(address: string): boolean {
  return address.includes(':');
}
