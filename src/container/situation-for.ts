/** Everything that the compiler must know for one configuration: the machine's situation, and what is made or asked beforehand. */
import { startOnce } from '../sys/perform-once.js';
import type { OciConfig } from './config/schema.js';
import { readNetDevices } from './net-devices.js';
import { seccompFilter } from './seccomp/seccomp-filter.js';
import { readSituation, type Situation } from './situation.js';

/** Errors: those of a filter that cannot be compiled, and of network devices that are not there. */
export async function situationFor(config: OciConfig): Promise<Situation> {
  const { maskedPaths, readonlyPaths, netDevices } = config.linux;
  const situation = await withFilter(config, readSituation([...maskedPaths, ...readonlyPaths]));
  if (!netDevices) return situation;
  const perform = async (plan: Parameters<typeof startOnce>[0]) => (await startOnce(plan)).ended;
  return { ...situation, netDevices: await readNetDevices(netDevices, situation.arch, perform) };
}

/** The filter of the configuration's profile, compiled or from the cache. */
export async function withFilter(config: OciConfig, situation: Situation): Promise<Situation> {
  const profile = config.linux.seccomp;
  return profile ? { ...situation, seccomp: await seccompFilter(profile, situation.arch) } : situation;
}
