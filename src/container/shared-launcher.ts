/** The launcher in a cgroup of its own, below vlab's parent; what dead owners left is removed first. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Launcher, launcher } from '../sys/launcher.js';
import { sweepOwners } from '../sys/owners.js';
import { type CgroupPlace, usualPlaces } from './cgroup/places.js';
import { readSituation } from './situation.js';

export async function sharedLauncher(places?: readonly CgroupPlace[]): Promise<Launcher> {
  await sweepOwners();
  return residentLauncher(places);
}

/** Nothing is swept. */
export async function residentLauncher(
  places: readonly CgroupPlace[] = usualPlaces(readSituation([]).cgroups),
): Promise<Launcher> {
  const procs = places.map(({ parent }) => {
    const directory = join(parent, 'launcher');
    mkdirSync(directory, { recursive: true });
    return join(directory, 'cgroup.procs');
  });
  return launcher(procs);
}
