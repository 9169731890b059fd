import { DRIVER_NAMES, type DriverName, loadDriver } from '../../drivers/registry.js';
import { installLineHere } from '../../host/distribution.js';
import type { Check, Finding } from './check.js';

/** The two halves of vlab, and the baseline of every comparison. */
const NEEDED: DriverName[] = ['process', 'container', 'vm'];

/** Each technology starts a small program, the way a comparison would. `fake` starts nothing and is left out. */
export function driverChecks(): Check[] {
  return DRIVER_NAMES.filter((name) => name !== 'fake').map((name) => ({
    id: `driver.${name}`,
    title: `a program in ${name === 'process' ? 'a bare process' : name}`,
    needed: NEEDED.includes(name),
    try: () => tryDriver(name),
  }));
}

async function tryDriver(name: DriverName): Promise<Finding> {
  const driver = await loadDriver(name);
  const support = await driver.probe();
  if (!support.ready) {
    const installs = name === 'runc' && support.missing.includes('not installed');
    return { works: false, detail: support.missing, mend: installs ? installLineHere('runc') : support.mend };
  }
  const parts = ['ran', support.version, support.accel && `under ${support.accel}`].filter(Boolean);
  return { works: true, detail: parts.join(' ') };
}
