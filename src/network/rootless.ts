/** Connects a container of a user who may make no bridges: a program of that user carries its packets, and ends with it. */
import { randomBytes } from 'node:crypto';
import { VlabError } from '../base/errors.js';
import type { Process } from '../sys/owners.js';
import { busyPorts } from './busy-ports.js';
import { choosePorts } from './leases.js';
import { endUnknown } from './owned-processes.js';
import type { PublishedPort } from './ports.js';
import { withNetworks } from './session.js';
import { tidy } from './upkeep.js';
import { helperFile, startHelper } from './user-mode.js';
import { HELPED } from './user-mode-args.js';

export interface Helped {
  id: string;
  device: string;
  addresses: string[];
  prefixLengths: number[];
  gateways: string[];
  /** What its resolv.conf names. */
  nameServers: string[];
  ports: PublishedPort[];
}

/** `owner`: the container's first process. Errors: (`host`) slirp4netns is not there, or it fails; (`operation`) a port is taken. */
export function connectRootless(request: { owner: Process; ports: readonly PublishedPort[] }): Promise<Helped> {
  return withNetworks(async (session, before) => {
    const { networks, leases, made } = await tidy(session, before);
    // It listens on IPv4 alone.
    const ports = await freePorts(request.ports.map((port) => ({ hostAddress: '0.0.0.0', ...port })));
    const id = randomBytes(32).toString('hex');
    await session.write({ networks, leases, made, making: [id] });
    const asked = { pid: request.owner.pid, ports, file: helperFile(id) };
    try {
      const started = await startHelper(asked);
      const helpers = [...(made.helpers ?? []), { id, process: started, owner: request.owner }];
      await session.write({ networks, leases, made: { ...made, helpers } });
    } catch (error) {
      await endUnknown(asked.file, []);
      await session.write({ networks, leases, made });
      throw error;
    }
    const { device, address, prefixLength, gateway, nameServer } = HELPED;
    return {
      ...{ id, device, addresses: [address], prefixLengths: [prefixLength], gateways: [gateway] },
      ...{ nameServers: [nameServer], ports },
    };
  });
}

async function freePorts(asked: readonly PublishedPort[]): Promise<PublishedPort[]> {
  const busy: PublishedPort[] = [];
  for (;;) {
    const ports = choosePorts(asked, busy);
    const taken = await busyPorts(ports);
    if (taken.length === 0) return ports;
    const fixed = taken.find(({ hostPort }) => asked.some((port) => port.hostPort === hostPort));
    if (fixed) {
      const { hostAddress = '0.0.0.0', hostPort } = fixed;
      throw new VlabError('operation', `Bind for ${hostAddress}:${hostPort} failed: port is already allocated`, {
        hint: 'end the program that has it, or publish another port',
        exitCode: 125,
      });
    }
    busy.push(...taken);
  }
}
