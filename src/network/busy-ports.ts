/** Which ports of the host a program has: the kernel says so when it is asked to bind them. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { errnoOf } from '../base/errors.js';
import type { PublishedPort } from './ports.js';

/** Those of `ports` of which at least one cannot be bound. Node binds no sctp. */
export async function busyPorts(ports: readonly PublishedPort[]): Promise<PublishedPort[]> {
  const busy: PublishedPort[] = [];
  for (const port of ports) {
    if (port.protocol !== 'sctp' && (await isBusy(port))) busy.push(port);
  }
  return busy;
}

async function isBusy({ protocol, hostAddress, hostPort, count }: PublishedPort): Promise<boolean> {
  const hosts = hostAddress === undefined ? ['0.0.0.0', '::'] : [hostAddress];
  const bind = protocol === 'tcp' ? bindTcp : bindUdp;
  for (let port = hostPort; port < hostPort + count; port++) {
    for (const host of hosts) if ((await bind(host, port)) === 'EADDRINUSE') return true;
  }
  return false;
}

/** An errno's name, or undefined. */
async function bindTcp(host: string, port: number): Promise<string | undefined> {
  const server = createServer();
  try {
    server.listen({ host, port, exclusive: true, ipv6Only: true });
    await once(server, 'listening');
    server.close();
    return undefined;
  } catch (error) {
    return errnoOf(error);
  }
}

async function bindUdp(host: string, port: number): Promise<string | undefined> {
  const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', ipv6Only: true });
  try {
    socket.bind({ address: host, port, exclusive: true });
    await once(socket, 'listening');
    return undefined;
  } catch (error) {
    return errnoOf(error);
  } finally {
    socket.close();
  }
}
