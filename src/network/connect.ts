/** Connects containers and machines to networks, and takes them off again. */
import { randomBytes } from 'node:crypto';
import { VlabError } from '../base/errors.js';
import { hostArch } from '../sys/abi.js';
import { PlanFailure } from '../sys/channel.js';
import { hasEnded } from '../sys/owners.js';
import { performOnce } from '../sys/perform-once.js';
import type { Plan } from '../sys/plan.js';
import { parsePrefix } from './address.js';
import { busyPorts } from './busy-ports.js';
import type { NetworkDefinition } from './definition.js';
import { type Lease, type LeaseRequest, type Leases, releaseLease, takeLease, vethName } from './leases.js';
import { connectPlan, deleteInsidePlan, tapPlan } from './link-plan.js';
import type { LinkStatistics } from './look.js';
import { settleNames } from './name-server.js';
import { networkNamed, readNetworkState } from './network-state.js';
import type { PublishedPort } from './ports.js';
import { lookAt, type NetworkSession, withNetworks } from './session.js';
import { ensureBridges, removeVeths, settleRules, tidy } from './upkeep.js';
import { endHelpers } from './user-mode.js';

interface EndRequest extends Omit<LeaseRequest, 'id'> {
  /** The network's name; `bridge` is the default one, which must be there (ensureDefaultNetwork). */
  network: string;
}

export interface ConnectRequest extends EndRequest {
  /** The container's network namespace: `/proc/PID/ns/net`. */
  namespace: string;
  /** Its default routes go by this network. */
  isDefault: boolean;
}

export interface Connected extends Lease {
  networkName: string;
  /** Those that its default routes go by; none in an internal network. */
  gateways: string[];
  /** Of the addresses' subnets. */
  prefixLengths: number[];
}

/** Leases addresses and connects the container. Errors: those of takeLease; the failed step of the plan. */
export async function connect(request: ConnectRequest): Promise<Connected> {
  const [connected] = await connectAll([request]);
  return connected as Connected;
}

/** All of a container's networks, or none of them. Errors: those of connect. */
export function connectAll(requests: readonly ConnectRequest[]): Promise<Connected[]> {
  return connectEnds(requests, (network, lease, { namespace, isDefault }) =>
    connectPlan(hostArch(), { network, lease, namespace, device: lease.device, isDefault }),
  );
}

export interface ConnectedTap extends Connected {
  /** On the host; whoever opens it must be root. It has IFF_VNET_HDR, as QEMU wants with vhost or virtio (vnet_hdr=on). */
  tap: string;
}

/** A machine's end: a tap on the bridge. The machine gives itself the lease's MAC and addresses. Errors: those of connect. */
export async function connectTap(request: Omit<EndRequest, 'device'>): Promise<ConnectedTap> {
  const asked = { ...request, device: 'eth0' };
  const [connected] = await connectEnds([asked], (network, lease) => {
    if (network.driver === 'bridge') return tapPlan(hostArch(), network, lease);
    throw new VlabError('input', `a machine cannot be on the ${network.driver} network ${network.name}`);
  });
  const lease = connected as Connected;
  return { ...lease, tap: vethName(lease) };
}

function connectEnds<R extends EndRequest>(
  requests: readonly R[],
  planOf: (network: NetworkDefinition, lease: Lease, request: R) => Plan,
): Promise<Connected[]> {
  return withNetworks(async (session, before) => {
    const { networks, leases, made, gone, isUnsure } = await tidy(session, before);
    const wanted = requests.map((request) => ({ request, network: networkNamed({ networks }, request.network) }));
    const taken = await takeLeases(leases, wanted);
    const come = taken.ends.map(({ lease }) => lease);
    await session.write({ networks, leases: taken.leases, making: come.map(({ id }) => id), made });
    try {
      const whole = await ensureBridges(session, [...new Set(wanted.map(({ network }) => network))], made);
      for (const { network, lease, request } of taken.ends) {
        await session.perform(planOf(network, lease, request)).catch((error) => {
          throw explained(error, network);
        });
      }
      const all = taken.leases.all;
      const { table } = whole.seen;
      const ruled = await settleRules(session, { networks, leases: all, made: whole.made, gone, come, table });
      const named = await settleNames(session, {
        networks,
        leases: all,
        made: ruled,
        changed: [...gone, ...come],
        isUnsure,
      });
      await session.write({ networks, leases: taken.leases, made: named });
    } catch (error) {
      await removeVeths(session, come);
      const { table } = await session.look([]);
      const { table: _, ...unsure } = made;
      const ruled = await settleRules(session, { networks, leases: leases.all, made: unsure, table });
      const named = await settleNames(session, {
        networks,
        leases: leases.all,
        made: ruled,
        changed: [...gone, ...come],
      });
      await session.write({ networks, leases, made: named });
      throw error;
    }
    return taken.ends.map(({ network, lease }) => ({
      ...lease,
      networkName: network.name,
      prefixLengths: network.subnets.map(({ subnet }) => parsePrefix(subnet).length),
      gateways: network.internal ? [] : network.subnets.map(({ gateway }) => gateway),
    }));
  });
}

interface Wanted<R> {
  request: R;
  network: NetworkDefinition;
}

/** A lease for each, whose ports no program of the host has. */
async function takeLeases<R extends EndRequest>(leases: Leases, wanted: readonly Wanted<R>[]) {
  const avoid: PublishedPort[] = [];
  for (;;) {
    let next = leases;
    const ends = wanted.map(({ request, network }) => {
      const taken = takeLease(next, network, { ...request, id: freshId() }, avoid);
      next = taken.leases;
      return { request, network, lease: taken.lease };
    });
    const busy = await busyPorts(ends.flatMap(({ lease }) => lease.ports));
    if (busy.length === 0) return { ends, leases: next };
    const asked = wanted.flatMap(({ request }) => request.ports ?? []);
    const fixed = busy.find(({ hostPort }) => asked.some((port) => port.hostPort === hostPort));
    if (fixed || avoid.length > MOST_BUSY) {
      const { hostAddress = '0.0.0.0', hostPort } = fixed ?? (busy[0] as PublishedPort);
      throw new VlabError('operation', `Bind for ${hostAddress}:${hostPort} failed: port is already allocated`, {
        hint: `a program of the host has it (ss -lnp | grep ${hostPort}): end it, or publish another port`,
        exitCode: 125,
      });
    }
    avoid.push(...busy);
  }
}

const MOST_BUSY = 1000;
const freshId = () => randomBytes(32).toString('hex');

/** What a refusal of a macvlan or ipvlan means; the host's part of the plan ends where the container's network is entered. */
function explained(error: unknown, { driver, name, parent }: NetworkDefinition): unknown {
  if (!(error instanceof PlanFailure) || driver === 'bridge' || error.errno === 'ENOENT') return error;
  if (error.index > error.plan.steps.findIndex(({ call }) => call === 'setns')) return error;
  if (error.errno === 'ENODEV') {
    return new VlabError('host', `the device ${parent} of the network ${name} is not there`, {
      cause: error,
      hint: 'make it, or make the network with another -o parent=',
    });
  }
  return new VlabError('host', `the kernel makes no ${driver} of ${parent}`, {
    cause: error,
    hint: `it has no ${driver}, or ${parent} has devices of another kind already: take another driver`,
  });
}

/** Takes these leases' ends off their networks, and ends these helpers (rootless.ts). One that is not there is fine. */
export async function disconnectAll(ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await withNetworks(async (session, before) => {
    const { networks, leases, made: tidied, gone, isUnsure } = await tidy(session, before);
    const made = await endHelpers(tidied, ids);
    const ended = leases.all.filter(({ id }) => ids.includes(id));
    for (const lease of ended) await removeInside(session, networks, lease);
    await removeVeths(session, ended);
    const next = ended.reduce((rest, { id }) => releaseLease(rest, id), leases);
    const { table } = await session.look([]);
    const changed = [...gone, ...ended];
    const ruled = await settleRules(session, { networks, leases: next.all, made, gone: changed, table });
    const named = await settleNames(session, { networks, leases: next.all, made: ruled, changed, isUnsure });
    await session.write({ networks, leases: next, made: named });
  });
}

export const disconnect = (id: string): Promise<void> => disconnectAll([id]);

/** A macvlan or ipvlan has no other end: it is removed where it is, as long as somebody is there. */
async function removeInside(
  session: NetworkSession,
  networks: readonly NetworkDefinition[],
  lease: Lease,
): Promise<void> {
  const network = networks.find(({ id }) => id === lease.network);
  if (!network || network.driver === 'bridge' || hasEnded(lease.owner)) return;
  const namespace = `/proc/${lease.owner.pid}/ns/net`;
  await session.perform(deleteInsidePlan(hostArch(), namespace, lease.device)).catch((error) => {
    if (error instanceof PlanFailure) return; // it was removed there, or the container ended meanwhile
    throw error;
  });
}

/** What went through the leases' ends, as their containers see it, by lease; those of macvlan and ipvlan are not seen from here. */
export async function trafficOf(leases: readonly Lease[]): Promise<Map<string, LinkStatistics>> {
  const { links } = await lookAt(performOnce, leases.map(vethName), { statistics: true });
  return new Map(
    leases.flatMap((lease): [string, LinkStatistics][] => {
      const seen = links.get(vethName(lease))?.statistics;
      return seen ? [[lease.id, fromTheOtherEnd(seen)]] : [];
    }),
  );
}

const fromTheOtherEnd = (one: LinkStatistics): LinkStatistics => ({
  ...{ rxPackets: one.txPackets, txPackets: one.rxPackets, rxBytes: one.txBytes, txBytes: one.rxBytes },
  ...{ rxErrors: one.txErrors, txErrors: one.rxErrors, rxDropped: one.txDropped, txDropped: one.rxDropped },
});

/** Leases of a container, by its id, as they are at this moment. */
export function leasesOfContainer(container: string): Lease[] {
  return readNetworkState().leases.all.filter((lease) => lease.container === container);
}
