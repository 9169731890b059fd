/**
 * Command lines of the programs that carry a container's packets for a user who may make no bridges: pasta of passt, or
 * slirp4netns. Both give it the same address. Pure.
 */
import type { PublishedPort } from './ports.js';

/** What the container sees, whichever of them it is. */
export const HELPED = {
  device: 'eth0',
  address: '10.0.2.100',
  prefixLength: 24,
  gateway: '10.0.2.2',
  /** Asks the host's servers, also those that only the host reaches. */
  nameServer: '10.0.2.3',
  mtu: 65520,
} as const;

export interface HelperRequest {
  /** Of the container's first process. */
  pid: number;
  ports: readonly PublishedPort[];
  /** Where its pid, or its socket, is to be. */
  file: string;
}

/** pasta(1). It goes into the background when it is up, and ends with the namespace. */
export function pastaArgs({ pid, ports, file }: HelperRequest): string[] {
  const specs = (protocol: 'tcp' | 'udp', flag: string) => {
    const own = ports.filter((port) => port.protocol === protocol).flatMap(pastaSpecs);
    return own.length > 0 ? own.flatMap((spec) => [flag, spec]) : [flag, 'none'];
  };
  return [
    ...['--config-net', '--quiet', '--pid', file],
    ...['--ns-ifname', HELPED.device, '--address', HELPED.address, '--netmask', String(HELPED.prefixLength)],
    ...['--gateway', HELPED.gateway, '--no-map-gw', '--dns-forward', HELPED.nameServer, '--mtu', String(HELPED.mtu)],
    ...['--tcp-ns', 'none', '--udp-ns', 'none', ...specs('tcp', '--tcp-ports'), ...specs('udp', '--udp-ports')],
    ...['--userns', `/proc/${pid}/ns/user`, '--netns', `/proc/${pid}/ns/net`],
  ];
}

/** `127.0.0.1/8080-8081:80-81` */
function pastaSpecs({ hostAddress, hostPort, containerPort, count }: PublishedPort): string[] {
  const range = (from: number) => (count === 1 ? String(from) : `${from}-${from + count - 1}`);
  return [`${hostAddress === undefined ? '' : `${hostAddress}/`}${range(hostPort)}:${range(containerPort)}`];
}

/** slirp4netns(1). It says that it is up on descriptor 3, and takes ports on its socket. */
export function slirpArgs({ pid, file }: HelperRequest): string[] {
  return [
    ...['--configure', `--mtu=${HELPED.mtu}`, '--disable-host-loopback'],
    ...['--ready-fd=3', `--api-socket=${file}`],
    ...[`--userns-path=/proc/${pid}/ns/user`, '--netns-type=path', `/proc/${pid}/ns/net`, HELPED.device],
  ];
}

/** Requests for its socket, one connection each. */
export function slirpForwards(ports: readonly PublishedPort[]): object[] {
  return ports.flatMap(({ protocol, hostAddress = '0.0.0.0', hostPort, containerPort, count }) =>
    Array.from({ length: count }, (_, at) => ({
      execute: 'add_hostfwd',
      arguments: {
        ...{ proto: protocol, host_addr: hostAddress, host_port: hostPort + at },
        ...{ guest_addr: HELPED.address, guest_port: containerPort + at },
      },
    })),
  );
}
