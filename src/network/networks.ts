/** Makes and removes networks, in the network namespace of this process; connect.ts connects containers and machines to them. */
import { randomBytes } from 'node:crypto';
import { VlabError } from '../base/errors.js';
import { mustRun } from '../base/exec.js';
import { DEFAULT_NETWORK, defineNetwork, type NetworkDefinition, type NetworkRequest } from './definition.js';
import type { Lease } from './leases.js';
import { settleNames } from './name-server.js';
import { leasesOf, networkNamed, readNetworkState } from './network-state.js';
import { withNetworks } from './session.js';
import { ensureBridges, removeBridge, settleRules, type Tidied, tidy } from './upkeep.js';

/** Makes it, with its bridge and rules. Errors: those of defineNetwork; `host` without ip or nft, or without root. */
export async function createNetwork(request: NetworkRequest): Promise<NetworkDefinition> {
  if (process.getuid?.() !== 0) {
    throw new VlabError('host', `only root may make networks: they are bridges and rules of the host's`, {
      hint: 'containers reach each other with --network container:NAME, and the outside on the default network',
      exitCode: 1,
    });
  }
  return withNetworks(async (session, before) => {
    const { networks, leases, made, gone, isUnsure } = await tidy(session, before);
    const id = randomBytes(32).toString('hex');
    const around = { networks, routes: await hostRoutes(), id, createdAt: new Date().toISOString() };
    const network = defineNetwork(request, around);
    const next = [...networks, network];
    await session.write({ networks: next, leases, making: [id], made });
    const { table: _, ...unruled } = made;
    const settle = async (all: readonly NetworkDefinition[], from: typeof made) => {
      const { table } = await session.look([]);
      const ruled = await settleRules(session, { networks: all, leases: leases.all, made: from, table });
      const named = await settleNames(session, {
        networks: all,
        leases: leases.all,
        made: ruled,
        changed: gone,
        isUnsure,
      });
      await session.write({ networks: all, leases, made: named });
    };
    try {
      const whole = await ensureBridges(session, [network], unruled);
      await settle(next, whole.made);
    } catch (error) {
      await removeBridge(session, network);
      await settle(networks, unruled);
      throw error;
    }
    return network;
  });
}

/** The network `bridge`, which containers are on that ask for no other. It is made on first use. */
export async function ensureDefaultNetwork(): Promise<NetworkDefinition> {
  const known = defaultNetwork();
  if (known) return known;
  try {
    return await createNetwork({ name: DEFAULT_NETWORK });
  } catch (error) {
    const made = defaultNetwork(); // by another command, at the same time
    if (made) return made;
    throw error;
  }
}

/** One that was not made to its end is none. */
function defaultNetwork(): NetworkDefinition | undefined {
  const { networks, making = [] } = readNetworkState();
  return networks.find(({ id, name }) => name === DEFAULT_NETWORK && !making.includes(id));
}

/** As they are at this moment. */
export function listNetworks(): { networks: readonly NetworkDefinition[]; leases: readonly Lease[] } {
  const { networks, leases } = readNetworkState();
  return { networks, leases: leases.all };
}

/** By name, id, or the first digits of its id. Errors (`input`): there is none; containers are on it; it is the default one. */
export function removeNetwork(name: string): Promise<NetworkDefinition> {
  return withNetworks(async (session, before) => {
    const tidied = await tidy(session, before);
    const network = networkNamed(tidied, name);
    if (network.name === DEFAULT_NETWORK) {
      throw new VlabError('input', `${name} is a pre-defined network and cannot be removed`);
    }
    const users = leasesOf(tidied, network);
    if (users.length > 0) {
      throw new VlabError('input', `the network ${network.name} is in use by ${users.length} container(s)`, {
        hint: `disconnect or remove them: ${users.map((one) => one.names[0] ?? one.container ?? one.id.slice(0, 12)).join(', ')}`,
      });
    }
    await remove(session, tidied, [network]);
    return network;
  });
}

/** Removes those that `isUnwanted` and no container is on. Returns them. */
export function pruneNetworks(
  isUnwanted: (network: NetworkDefinition) => boolean,
): Promise<readonly NetworkDefinition[]> {
  return withNetworks(async (session, before) => {
    const tidied = await tidy(session, before);
    const unused = tidied.networks.filter(
      (one) => one.name !== DEFAULT_NETWORK && leasesOf(tidied, one).length === 0 && isUnwanted(one),
    );
    await remove(session, tidied, unused);
    return unused;
  });
}

type Session = Parameters<Parameters<typeof withNetworks>[0]>[0];

async function remove(session: Session, tidied: Tidied, unwanted: readonly NetworkDefinition[]): Promise<void> {
  const networks = tidied.networks.filter((one) => !unwanted.includes(one));
  const { leases, gone, isUnsure } = tidied;
  for (const network of unwanted) await removeBridge(session, network);
  const { table: _, ...unruled } = tidied.made;
  const { table } = await session.look([]);
  const ruled = await settleRules(session, { networks, leases: leases.all, made: unruled, table });
  const named = await settleNames(session, { networks, leases: leases.all, made: ruled, changed: gone, isUnsure });
  const bridges = Object.fromEntries(
    Object.entries(named.bridges).filter(([id]) => networks.some((network) => network.id === id)),
  );
  await session.write({ networks, leases, made: { ...named, bridges } });
}

/** Removes what dead owners left, and makes rules and names those of the state. Returns the leases that ended. */
export function sweepNetworks(): Promise<readonly Lease[]> {
  return withNetworks(async (session, before) => {
    const { networks, leases, made, gone, isUnsure } = await tidy(session, before);
    const { table } = await session.look([]);
    const ruled = await settleRules(session, { networks, leases: leases.all, made, gone, table });
    const named = await settleNames(session, { networks, leases: leases.all, made: ruled, changed: gone, isUnsure });
    await session.write({ networks, leases, made: named });
    return gone;
  });
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
