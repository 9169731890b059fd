/** Command line of slirp4netns, which carries a container's packets for a user who may make no bridges. Pure. */
import type { PublishedPort } from './ports.js';

/** What the container sees. */
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
  /** Where its socket is to be. */
  file: string;
}

/**
 * slirp4netns(1). It says that it is up on descriptor 3, and takes ports on its socket. Its filter of system calls
 * serves everybody; its sandbox begins with setegid(0), which a user may not.
 */
export function slirpArgs({ pid, file }: HelperRequest): string[] {
  return [
    ...['--configure', `--mtu=${HELPED.mtu}`, '--disable-host-loopback', '--enable-seccomp'],
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
