/** Who makes a container's cgroup: vlab itself, systemd, or nobody. */
import { cgroupPlaces } from '../container/cgroup/places.js';
import type { OciConfig } from '../container/config/schema.js';
import type { Situation } from '../container/situation.js';
import { readCgroupLayout } from '../host/cgroup-layout.js';
import type { Flags } from './command-line.js';

/** `disabled` (crun's --cgroup-manager, `podman run --cgroups=disabled`): the container stays in its caller's cgroups. */
export type CgroupManager = 'cgroupfs' | 'systemd' | 'disabled';

export function cgroupManagerOf(flags: Flags): CgroupManager {
  const named = flags.string('cgroup-manager');
  if (named === 'disabled') return named;
  return flags.has('systemd-cgroup') || named === 'systemd' ? 'systemd' : 'cgroupfs';
}

/** What a container without cgroups can have: no limits, which the caller has given up with the cgroup. */
export function limitedBy(manager: CgroupManager, config: OciConfig): OciConfig {
  return manager === 'disabled' ? { ...config, linux: { ...config.linux, resources: {} } } : config;
}

/**
 * Where the container's cgroup may be. Version 1 is delegated to nobody safely (cgroups(7), "Delegation"), so it is no place of an
 * ordinary user's own; but where somebody has given that user a directory, and the configuration names it, it is used.
 */
export function placesFor(manager: CgroupManager, situation: Situation): Situation {
  if (manager === 'disabled') return { ...situation, cgroups: [] };
  if (!situation.rootless || situation.cgroups.length > 0) return situation;
  return { ...situation, cgroups: cgroupPlaces(readCgroupLayout(), true).filter(({ version }) => version === 1) };
}
