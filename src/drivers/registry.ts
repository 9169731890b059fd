/**
 * The drivers by name. Each is loaded when it is asked for, so that a comparison of two containers never pays for the
 * virtual machine's modules.
 */
import { VlabError } from '../base/errors.js';
import type { Driver } from './driver.js';

const LOADERS = {
  process: () => import('./process.js'),
  chroot: () => import('./chroot.js'),
  container: () => import('./container.js'),
  runc: () => import('./runc.js'),
  vm: () => import('./vm.js'),
  fake: () => import('./fake.js'),
} satisfies Record<string, () => Promise<{ driver: Driver }>>;

export type DriverName = keyof typeof LOADERS;

/** In the order in which tables show them: from no boundary to a machine of its own. */
export const DRIVER_NAMES = Object.keys(LOADERS) as [DriverName, ...DriverName[]];

/** Loads a driver. Throws an `input` error for a name that does not exist. */
export async function loadDriver(name: string): Promise<Driver> {
  if (!Object.hasOwn(LOADERS, name)) {
    throw new VlabError('input', `there is no driver ${name}`, { hint: `drivers: ${DRIVER_NAMES.join(', ')}` });
  }
  return (await LOADERS[name as DriverName]()).driver;
}
