/** The launcher for the engine's starts. What dead owners left is swept by other commands: a start does not wait for that. */
import { residentLauncher } from '../../container/shared-launcher.js';
import type { Launcher } from '../../sys/launcher.js';

let known: Promise<Launcher> | undefined;

export function engineLauncher(): Promise<Launcher> {
  known ??= residentLauncher();
  known.catch(() => {
    known = undefined;
  });
  return known;
}
