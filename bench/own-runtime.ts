/** The native vlab-oci: with a planner of the bench's own, or where none is resident. */
import { join } from 'node:path';
import { installOci } from '../src/oci/install.js';
import { startPlanner, stopPlanners } from '../src/oci/planner-process.js';

export interface ResidentRuntime {
  /** Of the native program. */
  path: string;
  close(): Promise<void>;
}

/** A planner that runs already is used, and left running. */
export async function residentRuntime(scratchDir: string): Promise<ResidentRuntime> {
  const { path } = await installOci(join(scratchDir, 'vlab-oci'));
  const { started } = await startPlanner();
  return {
    path,
    async close() {
      if (started) await stopPlanners();
    },
  };
}

/** Path of the one that nobody is resident for: each command starts Node. */
export async function coldRuntime(scratchDir: string): Promise<string> {
  const { path } = await installOci(join(scratchDir, 'vlab-oci-cold'), join(scratchDir, 'nobody.sock'));
  return path;
}
