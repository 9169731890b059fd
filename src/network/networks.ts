/**
 * The one place of this area that acts: bridges, veth pairs and rules in the network namespace of this process. What is made is
 * recorded before and forgotten after, so that whoever comes next can finish or remove what a killed command left. Whatever
 * changes something has the lock open too: it outlives a killed command as long as its performer or its nft does.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { VlabError } from '../base/errors.js';
import { mustRun } from '../base/exec.js';
import { findProgram } from '../base/find-program.js';
import { hostArch } from '../sys/abi.js';
import { hasEnded } from '../sys/owners.js';
import { performOnce } from '../sys/perform-once.js';
import {
  bridgeAlias,
  bridgeName,
  DEFAULT_NETWORK,
  defineNetwork,
  type NetworkDefinition,
  type NetworkRequest,
} from './definition.js';
import { type Lease, type LeaseRequest, releaseLease, sweepLeases, takeLease, vethAlias, vethName } from './leases.js';
import { bridgePlan, connectPlan, deleteLinkPlan } from './link-plan.js';
import { type NetworkState, readNetworkState, withNetworkState, writeRules } from './network-state.js';
import { rulesetFor } from './ruleset.js';

const freshId = () => randomBytes(32).toString('hex');

/** Makes it, with its bridge and rules. Errors: those of defineNetwork; `host` without ip or nft. */
export function createNetwork(request: NetworkRequest): Promise<NetworkDefinition> {
  return withNetworkState(async (before, write, lock) => {
    const state = await sweepIn(lock, before);
    const around = { networks: state.networks, routes: await hostRoutes(), id: freshId() };
    const network = defineNetwork(request, { ...around, createdAt: new Date().toISOString() });
    const next = { ...state, networks: [...state.networks, network] };
    await write({ ...next, making: network.id });
    try {
      await ensureBridge(lock, network);
      await applyRules(lock, next);
      await write(next);
    } catch (error) {
      await removeBridge(lock, network);
      await write(state);
      throw error;
    }
    return network;
  });
}

/** The network `bridge`, which containers are on that ask for no other. It is made on first use. */
export async function ensureDefaultNetwork(): Promise<NetworkDefinition> {
  const known = readNetworkState().networks.find(({ name }) => name === DEFAULT_NETWORK);
  if (known) return known;
  try {
    return await createNetwork({ name: DEFAULT_NETWORK });
  } catch (error) {
    const made = readNetworkState().networks.find(({ name }) => name === DEFAULT_NETWORK);
    if (made) return made; // by another command, at the same time
    throw error;
  }
}

/** As they are at this moment. */
export function listNetworks(): { networks: readonly NetworkDefinition[]; leases: readonly Lease[] } {
  const { networks, leases } = readNetworkState();
  return { networks, leases: leases.all };
}

/** Errors (`input`): there is none of that name; containers are on it; it is the default one. */
export function removeNetwork(name: string): Promise<void> {
  return withNetworkState(async (before, write, lock) => {
    const state = await sweepIn(lock, before);
    const network = networkNamed(state, name);
    if (network.name === DEFAULT_NETWORK) {
      throw new VlabError('input', `the network ${name} is predefined, and cannot be removed`);
    }
    const users = state.leases.all.filter((lease) => lease.network === network.id);
    if (users.length > 0) {
      throw new VlabError('input', `the network ${name} is in use by ${users.length} container(s)`, {
        hint: `disconnect or remove them: ${users.map((one) => one.container ?? one.id.slice(0, 12)).join(', ')}`,
      });
    }
    const next = { ...state, networks: state.networks.filter((one) => one !== network) };
    await removeBridge(lock, network);
    await applyRules(lock, next);
    await write(next);
  });
}

export interface ConnectRequest extends Omit<LeaseRequest, 'id'> {
  /** The network's name; `bridge` is the default one, which must be there (ensureDefaultNetwork). */
  network: string;
  /** The container's network namespace: `/proc/PID/ns/net`. */
  namespace: string;
  /** Its default routes go by this network. */
  isDefault: boolean;
}

export interface Connected extends Lease {
  networkName: string;
  /** Those that its default routes go by; none in an internal network. */
  gateways: string[];
}

/** Leases addresses and connects the container. Errors: those of takeLease; the failed step of the plan. */
export async function connect(request: ConnectRequest): Promise<Connected> {
  const [connected] = await connectAll([request]);
  return connected as Connected;
}

/** All of a container's networks, or none of them. Errors: those of connect. */
export function connectAll(requests: readonly ConnectRequest[]): Promise<Connected[]> {
  return withNetworkState(async (before, write, lock) => {
    let state = await sweepIn(lock, before);
    const first = state;
    const connected: Connected[] = [];
    try {
      for (const request of requests) {
        const made = await connectOne({ state, write, lock }, request);
        state = made.state;
        connected.push(made.connected);
      }
    } catch (error) {
      for (const lease of connected) await removeVeth(lock, lease);
      await applyRules(lock, first);
      await write(first);
      throw error;
    }
    return connected;
  });
}

interface Session {
  state: NetworkState;
  write: (next: NetworkState) => Promise<void>;
  lock: number;
}

async function connectOne(
  { state, write, lock }: Session,
  { network: name, namespace, isDefault, ...request }: ConnectRequest,
): Promise<{ connected: Connected; state: NetworkState }> {
  const network = networkNamed(state, name);
  if (network.driver !== 'bridge')
    throw new VlabError('host', `vlab connects containers to bridges, not to ${network.driver}`);
  const { lease, leases } = takeLease(state.leases, network, { ...request, id: freshId() });
  const next = { ...state, leases };
  await write({ ...next, making: lease.id });
  try {
    await ensureBridge(lock, network); // a reboot has taken it
    await performOnce(connectPlan(hostArch(), { network, lease, namespace, device: lease.device, isDefault }), {
      descriptors: [lock],
    });
    await applyRules(lock, next);
    await write(next);
  } catch (error) {
    await removeVeth(lock, lease);
    throw error;
  }
  const gateways = network.internal ? [] : network.subnets.map(({ gateway }) => gateway);
  return { connected: { ...lease, networkName: network.name, gateways }, state: next };
}

/** A lease that is not there is fine. */
export function disconnect(id: string): Promise<void> {
  return withNetworkState(async (before, write, lock) => {
    const state = await sweepIn(lock, before);
    const lease = state.leases.all.find((one) => one.id === id);
    if (lease) await removeVeth(lock, lease);
    const next = { ...state, leases: releaseLease(state.leases, id) };
    await applyRules(lock, next);
    await write(next);
  });
}

/** Removes what dead owners left, and makes the rules those of the state. Returns the leases that ended. */
export function sweepNetworks(): Promise<readonly Lease[]> {
  return withNetworkState(async (state, write, lock) => {
    const next = await sweepIn(lock, state);
    await applyRules(lock, next);
    await write(next);
    return state.leases.all.filter((lease) => !next.leases.all.includes(lease));
  });
}

/** Removes the links of leases whose owner has ended, and what a killed command was making. The caller writes the result. */
async function sweepIn(lock: number, { making, ...state }: NetworkState): Promise<NetworkState> {
  const ended = sweepLeases(state.leases, hasEnded);
  const halves = ended.leases.all.filter(({ id }) => id === making);
  for (const lease of [...ended.dead, ...halves]) await removeVeth(lock, lease);
  for (const network of state.networks.filter(({ id }) => id === making)) await removeBridge(lock, network);
  const leases = making === undefined ? ended.leases : releaseLease(ended.leases, making);
  return { networks: state.networks.filter(({ id }) => id !== making), leases };
}

function networkNamed({ networks }: NetworkState, name: string): NetworkDefinition {
  const network = networks.find((one) => one.name === name || one.id === name);
  if (network) return network;
  throw new VlabError('input', `there is no network ${name}`, {
    hint: `there are: ${networks.map((one) => one.name).join(', ') || 'none'}`,
  });
}

interface Link {
  ifindex: number;
  ifname: string;
  ifalias?: string;
}

async function linkNamed(name: string): Promise<Link | undefined> {
  const { stdout } = await mustRun('ip', ['-j', 'link', 'show']);
  return (JSON.parse(stdout || '[]') as Link[]).find(({ ifname }) => ifname === name);
}

/** What is vlab's own says so; a link whose maker was killed before it could say anything has no alias. */
const isOurs = (link: Link, alias: string) => link.ifalias === undefined || link.ifalias === alias;

async function removeLink(lock: number, name: string, alias: string): Promise<void> {
  const link = await linkNamed(name);
  if (!link || !isOurs(link, alias)) return;
  try {
    await performOnce(deleteLinkPlan(hostArch(), { index: link.ifindex, name }), { descriptors: [lock] });
  } catch (error) {
    // A veth pair goes with the namespace that has its other end, at any moment.
    if (await linkNamed(name)) throw error;
  }
}

const removeVeth = (lock: number, lease: Lease) => removeLink(lock, vethName(lease), vethAlias(lease));

const removeBridge = (lock: number, network: NetworkDefinition) =>
  network.driver === 'bridge' ? removeLink(lock, bridgeName(network), bridgeAlias(network)) : Promise.resolve();

/** Makes the bridge unless it is there; one that is there in part, from a killed command, is made again. */
async function ensureBridge(lock: number, network: NetworkDefinition): Promise<void> {
  if (network.driver !== 'bridge') return;
  const link = await linkNamed(bridgeName(network));
  if (link?.ifalias === bridgeAlias(network) && (await isWhole(network))) return;
  if (link && !isOurs(link, bridgeAlias(network))) {
    throw new VlabError('host', `the link ${link.ifname} is not vlab's own: ${link.ifalias}`, {
      hint: 'rename or remove it',
    });
  }
  await removeBridge(lock, network);
  await performOnce(bridgePlan(hostArch(), network), { descriptors: [lock] });
}

async function isWhole(network: NetworkDefinition): Promise<boolean> {
  const { stdout } = await mustRun('ip', ['-j', 'address', 'show', 'dev', bridgeName(network)]);
  const [link] = JSON.parse(stdout) as { addr_info: { local: string }[] }[];
  return network.subnets.every(({ gateway }) => link?.addr_info.some(({ local }) => local === gateway));
}

/** Destinations of the routes of this namespace, default routes left out. */
async function hostRoutes(): Promise<string[]> {
  const answers = await Promise.all(['-4', '-6'].map((family) => mustRun('ip', [family, '-j', 'route', 'show'])));
  const routes = answers.flatMap(({ stdout }) => JSON.parse(stdout || '[]') as { dst: string }[]);
  return routes
    .map(({ dst }) => dst)
    .filter((dst) => dst !== 'default')
    .map((dst) => (dst.includes('/') ? dst : `${dst}/${dst.includes(':') ? 128 : 32}`));
}

/** By a file: nft opens its standard input anew, which a socket, such as Node's, does not allow. */
async function applyRules(lock: number, { networks, leases }: NetworkState): Promise<void> {
  const file = await writeRules(JSON.stringify(rulesetFor(networks, leases.all)));
  const nft = findProgram('nft');
  if (nft === undefined) {
    throw new VlabError('host', 'nft is not installed', {
      hint: "install nftables: rules keep containers' networks apart",
    });
  }
  // A few milliseconds, in which nobody else may go on.
  const ran = spawnSync(nft, ['-j', '-f', file], { stdio: ['ignore', 'ignore', 'pipe', lock], encoding: 'utf8' });
  if (ran.error) throw ran.error;
  if (ran.status === 0) return;
  const { stderr } = ran;
  throw new VlabError('operation', `nft refused vlab's rules in ${file}: ${stderr.trim().split('\n')[0] ?? ''}`, {
    hint: 'a kernel without nf_tables, or without its inet tables and nat, cannot have them',
  });
}
