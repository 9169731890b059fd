import type { Check } from './check.js';
import { criuCheck } from './criu-check.js';
import { driverChecks } from './driver-checks.js';
import { hostChecks } from './host-checks.js';
import { toolChecks } from './tool-checks.js';
import { launcherCheck, vmChecks } from './vm-checks.js';

/** Everything that `vlab doctor` asks, in the order in which it is printed. */
export function allChecks(): Check[] {
  return [...hostChecks(), ...vmChecks(), ...driverChecks(), ...toolChecks(), criuCheck(), launcherCheck()];
}
