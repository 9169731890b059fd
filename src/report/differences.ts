/** What differs between the arms beside the technology itself: a reader must know it before believing a ratio. */
import type { Manifest, ManifestArm } from '../lab/manifest.js';
import { accelText } from './wording.js';

export interface Difference {
  property: string;
  /** One for each arm of `comparedArms`, in its order. */
  values: string[];
  /** All arms agree. */
  same: boolean;
}

/** The arms of the manifest that took part. */
export function comparedArms({ arms }: Manifest): ManifestArm[] {
  return arms.filter(({ excluded }) => excluded === undefined);
}

/** Rows of the table; properties that no arm has anything to say of are left out. */
export function differences(manifest: Manifest): Difference[] {
  const { host, payload } = manifest;
  const arms = comparedArms(manifest);
  const release = host.kernel.release;
  const properties: [string, (arm: ManifestArm) => string][] = [
    ['driver', (arm) => arm.driver],
    ['what stands between', (arm) => arm.summary],
    ['boundary', (arm) => arm.boundary],
    ['version', (arm) => arm.version],
    ['accelerator', (arm) => accelText(arm.accel) || 'none: runs on the CPU as the host does'],
    ['kernel', (arm) => arm.circumstances?.kernel ?? kernelOf(arm, release)],
    ['root file system', (arm) => arm.circumstances?.rootfs ?? payload.image ?? payload.rootfs ?? ''],
    ['caches', (arm) => arm.circumstances?.caches ?? cachesOf(arm)],
    ['options', (arm) => listed(arm.options)],
    ['limits', (arm) => listed(arm.limits)],
    ['takes part in', (arm) => (arm.every === 1 ? 'every block' : `every ${ordinal(arm.every)} block`)],
    ['remarks of the probe', (arm) => arm.notes.join('; ')],
  ];
  return properties.flatMap(([property, read]) => {
    const values = arms.map(read);
    if (values.every((value) => value === '')) return [];
    return [{ property, values, same: new Set(values).size === 1 }];
  });
}

function kernelOf({ boundary }: ManifestArm, release: string): string {
  if (boundary === 'virtual machine') return 'a guest kernel of its own';
  if (boundary === 'user-space kernel') return `a kernel in user space, on the host’s ${release}`;
  return `the host’s, ${release}`;
}

function cachesOf({ boundary }: ManifestArm): string {
  return boundary === 'virtual machine'
    ? 'the guest starts with empty caches; the host’s page cache is warm after the warm-up'
    : 'the host’s page cache, warm after the warm-up';
}

function listed(settings: object): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(', ');
}

function ordinal(number: number): string {
  const teens = number % 100 >= 11 && number % 100 <= 13;
  const suffix = teens ? 'th' : (['th', 'st', 'nd', 'rd'][number % 10] ?? 'th');
  return `${number}${suffix}`;
}
