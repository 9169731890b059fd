/** Who makes a container's cgroup: vlab itself, systemd, or nobody. */
import type { OciConfig } from '../container/config/schema.js';
import type { Situation } from '../container/situation.js';
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

export function placesFor(manager: CgroupManager, situation: Situation): Situation {
  return manager === 'disabled' ? { ...situation, cgroups: [] } : situation;
}
