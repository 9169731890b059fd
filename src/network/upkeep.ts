/** What every command on networks does besides: removes what killed ones left, and makes bridges, rules and forwarding as they must be. */
import { readFileSync, writeFileSync } from 'node:fs';
import { VlabError } from '../base/errors.js';
import { hostArch } from '../sys/abi.js';
import { hasEnded } from '../sys/owners.js';
import { parsePrefix } from './address.js';
import { bridgeAlias, bridgeName, type NetworkDefinition } from './definition.js';
import { type Lease, type Leases, releaseLease, vethAlias, vethName } from './leases.js';
import { bridgePlan, deleteLinkPlan } from './link-plan.js';
import type { Link, Seen } from './look.js';
import { type Made, madeHere, type NetworkState, tableHere } from './network-state.js';
import { changeOfLeases, rulesetFor } from './ruleset.js';
import type { NetworkSession } from './session.js';
import { tidyHelpers } from './user-mode.js';

/** A state without what nobody has any more. */
export interface Tidied {
  networks: readonly NetworkDefinition[];
  leases: Leases;
  made: Made;
  /** Leases that ended, whose links are removed and whose rules are still there. */
  gone: readonly Lease[];
  /** A command was killed: what it had started is not written down. */
  isUnsure: boolean;
}

/** Removes the links of leases whose owner has ended, and what a killed command was making. */
export async function tidy(session: NetworkSession, state: NetworkState): Promise<Tidied> {
  const made = madeHere(state);
  const isAfterBoot = state.made !== undefined && bootOf(state.made) !== bootOf(made);
  const making = new Set(state.making);
  const isGone = (lease: Lease) => making.has(lease.id) || isAfterBoot || hasEnded(lease.owner);
  const gone = state.leases.all.filter(isGone);
  await removeVeths(session, gone);
  const halves = state.networks.filter(({ id }) => making.has(id));
  for (const network of halves) await removeBridge(session, network);
  const leases = gone.reduce((rest, { id }) => releaseLease(rest, id), state.leases);
  // Of what a killed command was making nobody knows what the rules have.
  const { table, ...rest } = made;
  const known = making.size > 0 || table === undefined ? rest : made;
  return {
    networks: state.networks.filter((one) => !halves.includes(one)),
    leases,
    made: await tidyHelpers(known, making.size > 0),
    gone,
    isUnsure: making.size > 0,
  };
}

const bootOf = ({ place }: Made) => place.split(' ')[0];

/** What is vlab's own says so; a link whose maker was killed before it could say anything has no alias. */
const isOurs = (link: Link, alias: string) => link.alias === undefined || link.alias === alias;

async function removeLink(session: NetworkSession, link: Link | undefined, alias: string): Promise<void> {
  if (!link || !isOurs(link, alias)) return;
  try {
    await session.perform(deleteLinkPlan(hostArch(), link));
  } catch (error) {
    // A veth pair goes with the namespace that has its other end, at any moment.
    const { links } = await session.look([link.name]);
    if (links.has(link.name)) throw error;
  }
}

export async function removeVeths(session: NetworkSession, leases: readonly Lease[]): Promise<void> {
  if (leases.length === 0) return;
  const { links } = await session.look(leases.map(vethName));
  for (const lease of leases) await removeLink(session, links.get(vethName(lease)), vethAlias(lease));
}

export async function removeBridge(session: NetworkSession, network: NetworkDefinition): Promise<void> {
  if (network.driver !== 'bridge') return;
  const name = bridgeName(network);
  const { links } = await session.look([name]);
  await removeLink(session, links.get(name), bridgeAlias(network));
}

/**
 * The bridges of these networks, whole, by index. One that is there in part, from a killed command, is made again. Error (`host`):
 * somebody else has a link of that name.
 */
export async function ensureBridges(
  session: NetworkSession,
  networks: readonly NetworkDefinition[],
  made: Made,
): Promise<{ made: Made; seen: Seen }> {
  const bridged = networks.filter(({ driver }) => driver === 'bridge');
  const seen = await session.look(bridged.map(bridgeName));
  const bridges = { ...made.bridges };
  for (const network of bridged) {
    const link = seen.links.get(bridgeName(network));
    if (link && !isOurs(link, bridgeAlias(network))) {
      throw new VlabError('host', `the link ${link.name} is not vlab's own: ${link.alias}`, {
        hint: 'rename or remove it',
      });
    }
    if (!network.internal) ensureForwarding(network);
    if (link && link.alias !== undefined && link.index === bridges[network.id]) continue;
    await removeLink(session, link, bridgeAlias(network));
    await session.perform(bridgePlan(hostArch(), network));
    const { links } = await session.look([bridgeName(network)]);
    bridges[network.id] = links.get(bridgeName(network))?.index ?? 0;
  }
  return { made: { ...made, bridges }, seen };
}

const FORWARDING = { 4: '/proc/sys/net/ipv4/ip_forward', 6: '/proc/sys/net/ipv6/conf/all/forwarding' };

/** As docker and podman do. Error (`host`): it is off, and cannot be turned on. */
function ensureForwarding({ name, subnets }: NetworkDefinition): void {
  for (const { subnet } of subnets) {
    const file = FORWARDING[parsePrefix(subnet).family];
    try {
      if (readFileSync(file, 'utf8').trim() === '0') writeFileSync(file, '1');
    } catch (cause) {
      throw new VlabError('host', `the host does not forward packets, which the network ${name} needs: ${file} is 0`, {
        cause,
        hint: `let root write 1 to ${file} (sysctl net.ipv4.ip_forward=1), or make the network with --internal`,
      });
    }
  }
}

export interface RuleChange {
  networks: readonly NetworkDefinition[];
  leases: readonly Lease[];
  made: Made;
  gone?: readonly Lease[];
  come?: readonly Lease[];
  /** The handle of the table that is there. */
  table: bigint | undefined;
}

/** Makes the rules those of the networks and leases: only what changes where they are as vlab left them, else all. */
export async function settleRules(session: NetworkSession, change: RuleChange): Promise<Made> {
  const { networks, leases, made, gone = [], come = [], table } = change;
  if (made.table !== undefined && made.table === table?.toString()) {
    const rules = changeOfLeases(tableHere(), networks, { gone, come });
    if (rules.nftables.length === 0 || (await session.rules(rules)).isDone) return made;
  }
  const { table: _, ...rest } = made;
  if (table === undefined && !networks.some(({ driver }) => driver === 'bridge')) return rest;
  const done = await session.rules(rulesetFor(tableHere(), { networks, leases }));
  if (!done.isDone) {
    throw new VlabError('operation', `nft refused vlab's rules in ${done.file}: ${done.said}`, {
      hint: 'a kernel without nf_tables, or without its inet tables and nat, cannot have them',
    });
  }
  const { table: handle } = await session.look([]);
  return handle === undefined ? rest : { ...rest, table: handle.toString() };
}
