/** Networks and leases on disk: one file, written whole by rename. */
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, VlabError } from '../base/errors.js';
import { dataDir } from '../base/paths.js';
import type { Process } from '../sys/owners.js';
import type { NetworkDefinition } from './definition.js';
import { type Lease, type Leases, NO_LEASES } from './leases.js';
import { tableOf } from './ruleset.js';

export interface NetworkState {
  networks: readonly NetworkDefinition[];
  leases: Leases;
  /** Ids of the networks and leases whose links are being made: who finds them with the lock in hand knows their maker was killed. */
  making?: readonly string[];
  made?: Made;
}

export interface Helper {
  /** 64 hexadecimal digits. */
  id: string;
  process: Process;
  /** Whose packets it carries: it ends with that process. */
  owner: Process;
}

/** What stands in the kernel, as vlab made it. Of another boot, or another network namespace, it says nothing. */
export interface Made {
  /** Boot and network namespace. */
  place: string;
  /** Handle of the table whose rules are those of the networks and leases. */
  table?: string;
  /** Index of each whole bridge, by its network's id. */
  bridges: Readonly<Record<string, number>>;
  /** What answers names, by its network's id. */
  nameServers: Readonly<Record<string, Process>>;
  /** Programs that carry a container's packets where no bridge can. */
  helpers?: readonly Helper[];
}

/** As it is at this moment. Error (`operation`): the file is no JSON. */
export function readNetworkState(): NetworkState {
  const path = statePath();
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as NetworkState;
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return { networks: [], leases: NO_LEASES };
    throw new VlabError('operation', `cannot read ${path}`, { cause });
  }
}

export const networksDir = () => join(dataDir(), 'networks');
/** Of the rules for what is in this state. */
export const tableHere = () => tableOf(dataDir());
export const statePath = () => join(networksDir(), 'state.json');

/** What stands here: nothing that is known, when it was made elsewhere. */
export function madeHere({ made }: NetworkState): Made {
  const place = `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/net')}`;
  return made?.place === place ? made : { place, bridges: {}, nameServers: {} };
}

/** By name, id, or the first digits of its id where only one begins so. */
export function findNetwork(name: string, { networks } = readNetworkState()): NetworkDefinition | undefined {
  return (
    networks.find((one) => one.name === name || one.id === name) ??
    (/^[0-9a-f]{4,}$/.test(name) ? onlyOne(networks.filter(({ id }) => id.startsWith(name))) : undefined)
  );
}

/** Errors (`input`): there is none of that name. */
export function networkNamed({ networks }: Pick<NetworkState, 'networks'>, name: string): NetworkDefinition {
  const network = findNetwork(name, { networks, leases: NO_LEASES });
  if (network) return network;
  throw new VlabError('input', `network ${name} not found`, {
    hint: `there are: ${networks.map((one) => one.name).join(', ') || 'none'}`,
    exitCode: 1,
  });
}

const onlyOne = <T>(some: readonly T[]): T | undefined => (some.length === 1 ? some[0] : undefined);

export function leasesOf({ leases }: Pick<NetworkState, 'leases'>, network: NetworkDefinition): Lease[] {
  return leases.all.filter((lease) => lease.network === network.id);
}
