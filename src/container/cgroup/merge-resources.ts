/** What a container's resources are after an update: what was asked for before and not now, stays. Pure. */
import type { OciResources } from '../config/schema.js';

/** Device rules are replaced as a whole, since their order is their meaning. */
export function mergeResources(before: OciResources, wanted: OciResources): OciResources {
  const merged: OciResources = { ...before, ...wanted };
  if (wanted.memory) merged.memory = { ...before.memory, ...wanted.memory };
  if (wanted.cpu) merged.cpu = { ...before.cpu, ...wanted.cpu };
  if (wanted.pids) merged.pids = { ...before.pids, ...wanted.pids };
  if (wanted.blockIO) merged.blockIO = { ...before.blockIO, ...wanted.blockIO };
  if (wanted.network) merged.network = { ...before.network, ...wanted.network };
  if (wanted.rdma) merged.rdma = { ...before.rdma, ...wanted.rdma };
  if (wanted.unified) merged.unified = { ...before.unified, ...wanted.unified };
  if (wanted.hugepageLimits) {
    const sizes = new Set(wanted.hugepageLimits.map(({ pageSize }) => pageSize));
    const kept = (before.hugepageLimits ?? []).filter(({ pageSize }) => !sizes.has(pageSize));
    merged.hugepageLimits = [...kept, ...wanted.hugepageLimits];
  }
  return merged;
}

/** Of `all`, the groups that `wanted` names: a group is written as a whole, since its values depend on each other. */
export function namedGroups(all: OciResources, wanted: OciResources): OciResources {
  return Object.fromEntries(Object.entries(all).filter(([name]) => name in wanted)) as OciResources;
}
