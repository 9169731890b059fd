/** Published ports, one by one, as docker shows them. Pure. */
import type { PublishedPort } from '../../network/ports.js';

export interface PortAt {
  /** `80/tcp`, in the container. */
  port: string;
  /** `0.0.0.0:8080`, on the host. */
  host: string;
}

/** By the container's port; one that is published on all addresses is there for IPv4 and for IPv6. */
export function publishedAt(ports: readonly PublishedPort[]): PortAt[] {
  const single = ports.flatMap(({ count, ...first }) =>
    Array.from({ length: count }, (_, step) => ({
      ...first,
      hostPort: first.hostPort + step,
      containerPort: first.containerPort + step,
    })),
  );
  single.sort((a, b) => a.containerPort - b.containerPort || a.protocol.localeCompare(b.protocol));
  return single.flatMap(({ protocol, hostAddress, hostPort, containerPort }) =>
    (hostAddress === undefined ? ['0.0.0.0', '::'] : [hostAddress]).map((address) => ({
      port: `${containerPort}/${protocol}`,
      host: `${address.includes(':') ? `[${address}]` : address}:${hostPort}`,
    })),
  );
}

/** The column of `ps`: ranges as ranges, exposed ones alone. */
export function portsColumn(ports: readonly PublishedPort[], exposed: readonly string[]): string {
  const range = (first: number, count: number) => (count === 1 ? `${first}` : `${first}-${first + count - 1}`);
  const sorted = [...ports].sort((a, b) => a.containerPort - b.containerPort);
  const published = sorted.flatMap(({ protocol, hostAddress, hostPort, containerPort, count }) =>
    (hostAddress === undefined ? ['0.0.0.0', '[::]'] : [hostAddress]).map(
      (address) => `${address}:${range(hostPort, count)}->${range(containerPort, count)}/${protocol}`,
    ),
  );
  const isPublished = (text: string) =>
    ports.some(({ protocol, containerPort, count }) => {
      const [port = '', kind = 'tcp'] = text.split('/');
      return kind === protocol && Number(port) >= containerPort && Number(port) < containerPort + count;
    });
  return [...published, ...exposed.filter((text) => !isPublished(text))].join(', ');
}
