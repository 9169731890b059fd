/** What limits depend on that this machine has or lacks. */
import { currentPlaces } from '../../container/cgroup/places.js';
import { readCgroupLayout } from '../../host/cgroup-layout.js';
import { ociResourcesOf } from '../spec/resources.js';
import type { ContainerResources } from './definition-parts.js';
import { blockDeviceNumbers } from './host-devices.js';
import { unsupportedLimits } from './unsupported-limits.js';

/** Error (`input`): a block device that is to be limited is not there. */
export function limitFacts(resources: ContainerResources) {
  return {
    cgroupVersion: readCgroupLayout().layout === 'v2' ? (2 as const) : (1 as const),
    blockDevices: blockDeviceNumbers(limitedDevices(resources)),
    unsupported: unsupportedLimits(resources, currentPlaces(process.getuid?.() === 0)),
  };
}

/** One for each limit that is left out here. */
export function limitWarnings(resources: ContainerResources): string[] {
  if (Object.keys(resources).length === 0) return [];
  return ociResourcesOf(resources, limitFacts(resources)).warnings;
}

/** Block devices that limits of input and output name. */
function limitedDevices(limits: ContainerResources): string[] {
  const { blkioWeightDevices, deviceReadBps, deviceWriteBps, deviceReadIops, deviceWriteIops } = limits;
  return [blkioWeightDevices, deviceReadBps, deviceWriteBps, deviceReadIops, deviceWriteIops].flatMap(
    (some) => some?.map(({ path }) => path) ?? [],
  );
}
