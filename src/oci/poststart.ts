/** Hooks that run when the program does (config.md, "Poststart"). */
import type { OciConfig } from '../container/config/schema.js';
import { runHooks } from './hooks.js';
import { stopContainer } from './remove-container.js';
import { type ContainerRecord, ociState } from './state.js';

/**
 * Error (`operation`): one failed, and the container is stopped, as runc has always done and version 1.3 of the specification
 * asks (runtime.md, "Lifecycle", step 9; a warning would do up to 1.2). A command that was ended stops nothing.
 */
export async function runPoststart(config: OciConfig, record: ContainerRecord, until: AbortSignal): Promise<void> {
  try {
    await runHooks(config, 'poststart', ociState(record, 'running'), until);
  } catch (error) {
    if (!until.aborted) await stopContainer(record);
    throw error;
  }
}
