/** Which limits this machine's kernel has no files for: docker leaves these out with a warning, and so do we. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CgroupPlace } from '../../container/cgroup/places.js';
import type { ContainerResources } from './definition-parts.js';

type Limit = keyof ContainerResources;

/** A limit's file by version: at the top of a hierarchy, or in a directory below it, which has more of them. */
interface Needed {
  limits: readonly Limit[];
  controllers: readonly string[];
  files: Record<1 | 2, readonly string[]>;
}

const NEEDED: readonly Needed[] = [
  {
    limits: ['memorySwapBytes'],
    controllers: ['memory'],
    files: { 1: ['memory.memsw.limit_in_bytes'], 2: ['memory.swap.max'] },
  },
  {
    // The scheduler BFQ counts in all cgroups, and has weights in all but the top.
    limits: ['blkioWeight', 'blkioWeightDevices'],
    controllers: ['blkio', 'io'],
    files: { 1: ['blkio.weight', 'blkio.bfq.weight', 'blkio.bfq.io_serviced'], 2: ['io.weight', 'io.bfq.weight'] },
  },
];

/** Of those that `asked` has. `places`: those of currentPlaces (src/container/cgroup/places.ts). */
export function unsupportedLimits(asked: ContainerResources, places: readonly CgroupPlace[]): Set<Limit> {
  const missing = NEEDED.filter(({ limits, controllers, files }) => {
    if (!limits.some((limit) => asked[limit] !== undefined)) return false;
    const place = places.find((one) => one.controllers.some((name) => controllers.includes(name)));
    if (!place) return true;
    return ![place.root, place.parent].some((dir) => files[place.version].some((file) => existsSync(join(dir, file))));
  });
  return new Set(missing.flatMap(({ limits }) => limits));
}
