import type { Check } from './check.js';
import { hostChecks } from './host-checks.js';
import { toolChecks } from './tool-checks.js';

/** Everything that `vlab doctor` asks, in the order in which it is printed. */
export function allChecks(): Check[] {
  return [...hostChecks(), ...toolChecks()];
}
