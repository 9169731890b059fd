/** A container joins a network, or leaves one; both while it runs too. */

import { VlabError } from '../../base/errors.js';
import { connect, disconnectAll } from '../../network/connect.js';
import type { NetworkDefinition } from '../../network/definition.js';
import { networkNamed } from '../../network/network-state.js';
import { ensureDefaultNetwork, listNetworks } from '../../network/networks.js';
import { emitEvent } from '../events/event-log.js';
import { containerDir } from '../record/container-files.js';
import type { Attachment, ContainerState } from '../record/container-state.js';
import { isRunning } from '../record/container-status.js';
import { type ContainerRecord, withContainer, writeState } from '../record/records.js';
import { addressesOf, DEFAULT_NETWORK, endRequest, withLease } from './connect-container.js';
import { writeNameFiles } from './name-files.js';

/**
 * `id`: the container's. Errors (`input`): no such network; it is on it already; it has no networks of its own; those of connect.
 */
export async function attachNetwork(id: string, attachment: Attachment): Promise<void> {
  if (attachment.network === DEFAULT_NETWORK) await ensureDefaultNetwork();
  const network = networkNamed(listNetworks(), attachment.network);
  await withContainer(id, async (record) => {
    const { state } = record;
    mustHaveOwn(record, `cannot connect container to the network ${network.name}`);
    if (state.attachments.some((one) => isOf(one, network))) {
      throw wrong(`endpoint with name ${state.name} already exists in network ${network.name}`);
    }
    const named = { ...attachment, network: network.name };
    const live = isRunning(state) ? state.process : undefined;
    if (!live) {
      writeState(id, { ...state, attachments: [...state.attachments, named] });
    } else {
      const isDefault = !state.attachments.some(({ lease }) => lease && lease.gateways.length > 0);
      const device = freeDevice(state.attachments);
      const connected = await connect({ ...endRequest(record, live, named), device, isDefault });
      await written(record, { ...state, attachments: [...state.attachments, withLease(named, connected)] });
    }
    emitEvent('network', 'connect', network.id, { container: id, name: network.name, type: network.driver });
  });
}

/** Errors (`input`): no such network; it is not on it. */
export async function detachNetwork(id: string, name: string): Promise<void> {
  await withContainer(id, async (record) => {
    const { state } = record;
    mustHaveOwn(record, `cannot disconnect container from the network ${name}`);
    const { networks } = listNetworks();
    const network = networks.some((one) => one.name === name) ? networkNamed({ networks }, name) : undefined;
    const left = state.attachments.find((one) => one.network === name || (network && isOf(one, network)));
    if (!left) throw wrong(`container ${id} is not connected to network ${name}`);
    const rest = state.attachments.filter((one) => one !== left);
    await disconnectAll(left.lease ? [left.lease.id] : []);
    await written(record, { ...state, attachments: rest });
    const about = network ?? { id: left.lease?.networkId ?? '', name, driver: 'bridge' };
    emitEvent('network', 'disconnect', about.id, { container: id, name: about.name, type: about.driver });
  });
}

const isOf = ({ network: asked }: Attachment, { id, name }: NetworkDefinition) =>
  asked === name || (asked.length >= 4 && id.startsWith(asked));

/** A running container's names and servers change with its networks. */
async function written({ id, definition }: ContainerRecord, state: ContainerState): Promise<void> {
  writeState(id, state);
  if (!isRunning(state)) return;
  writeNameFiles(containerDir(id), definition, await addressesOf(definition, state.attachments));
}

function freeDevice(attachments: readonly Attachment[]): string {
  const taken = new Set(attachments.map(({ lease }) => lease?.device));
  for (let at = 0; ; at++) if (!taken.has(`eth${at}`)) return `eth${at}`;
}

function mustHaveOwn({ definition }: ContainerRecord, what: string): void {
  const { mode } = definition.network;
  if (mode === 'networks') return;
  const has = { none: 'it was made without a network', host: 'it has the network of the host' } as Record<
    string,
    string
  >;
  throw wrong(`${what}: ${has[mode] ?? 'it has the network of another container'}`);
}

function wrong(message: string): VlabError {
  return new VlabError('input', message, { exitCode: 1 });
}
