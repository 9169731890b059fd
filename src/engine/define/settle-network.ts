/** Which network a container is on and what it is called there, and what cannot go together with it. Pure. */
import type { AskedContainer } from './asked-container.js';
import { refuse } from './asked-error.js';
import type { DefineContext } from './define-container.js';
import { type DefinedNetwork, joinedContainer } from './definition.js';

export interface Settled {
  network: DefinedNetwork;
  hostname: string;
  domainname?: string;
  warnings: string[];
}

export function settleNetwork(asked: AskedContainer, context: DefineContext): Settled {
  const { network, hostname, domainname, namespaces } = asked;
  const warnings: string[] = [];
  const name = joinedContainer(network.mode);
  if (namespaces.uts === 'host' && (hostname !== undefined || domainname !== undefined)) {
    throw refuse('conflicting options: hostname and the UTS mode');
  }
  const exposed = [
    ...new Set([...Object.keys(context.image?.ExposedPorts ?? {}).map(withProtocol), ...network.exposed]),
  ];
  if (name !== undefined) {
    refuseShared(asked);
    const other = context.container(name);
    const mode = `container:${other.id}` as const;
    return {
      network: { ...network, mode, attachments: [], exposed },
      hostname: other.hostname,
      ...(other.domainname === undefined ? {} : { domainname: other.domainname }),
      warnings,
    };
  }
  const mode = network.mode as 'none' | 'host' | 'networks';
  if (mode !== 'networks' && network.attachments.some((one) => one.ipv4Address ?? one.ipv6Address ?? one.macAddress)) {
    throw refuse(`conflicting options: an address of its own and the network mode ${mode}`);
  }
  const discarded = mode === 'host' && (network.publish.length > 0 || network.publishAll);
  if (discarded) warnings.push('Published ports are discarded when using host network mode');
  const inherited = mode === 'host' || namespaces.uts === 'host';
  return {
    network: {
      ...network,
      mode,
      exposed,
      attachments: mode === 'networks' ? network.attachments : [],
      ...(discarded ? { publish: [], publishAll: false } : {}),
    },
    hostname: hostname ?? (inherited ? context.hostHostname : context.id.slice(0, 12)),
    ...(domainname === undefined ? {} : { domainname }),
    warnings,
  };
}

/** What belongs to the container whose network is joined. */
function refuseShared({ network, hostname, domainname }: AskedContainer): void {
  const conflict = (what: string) => refuse(`conflicting options: ${what}`);
  if (hostname !== undefined || domainname !== undefined) throw conflict('hostname and the network mode');
  if (network.dns.length + network.dnsSearch.length + network.dnsOptions.length > 0) {
    throw conflict('dns and the network mode');
  }
  if (network.extraHosts.length > 0) throw conflict('custom host-to-IP mapping and the network mode');
  if (network.publish.length > 0 || network.publishAll) {
    throw conflict('port publishing and the container type network mode');
  }
  if (network.exposed.length > 0) throw conflict('port exposing and the container type network mode');
}

/** An image may leave the protocol out. */
const withProtocol = (port: string) => (port.includes('/') ? port : `${port}/tcp`);
