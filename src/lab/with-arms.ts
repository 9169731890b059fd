import type { Driver } from '../drivers/driver.js';
import type { Listener } from './events.js';
import { disposeArms, type PreparedArm, type PrepareOptions, prepareArms } from './prepare-arms.js';
import { openRootfs, type Rootfs } from './rootfs.js';
import type { Scenario } from './scenario.js';
import { makeScratch } from './scratch.js';

/** What preparing arms needs. */
export interface ArmsContext {
  load(name: string): Promise<Driver>;
  /** For drivers that ignore that they were cancelled; see bounded.ts. */
  graceMs?: number;
  /** Ctrl-C. Its reason becomes the run's `partialReason`. */
  signal: AbortSignal;
  listener: Listener;
}

/** Prepares the arms, works with them, and takes them and their scratch folder down whatever happens. */
export async function withArms<T>(
  scenario: Scenario,
  rootfs: Rootfs,
  context: ArmsContext,
  more: Pick<PrepareOptions, 'alreadyExcluded' | 'functionalCheck'>,
  work: (arms: PreparedArm[]) => Promise<T>,
): Promise<T> {
  await using scratch = await makeScratch();
  const { load, signal, listener } = context;
  const arms = await prepareArms(scenario, {
    rootfsDir: rootfs.dir,
    scratchDir: scratch.dir,
    load,
    signal,
    listener,
    ...graceOf(context),
    ...more,
  });
  try {
    return await work(arms);
  } finally {
    const failures = await disposeArms(arms, context.graceMs);
    if (failures.length > 0) await listener({ kind: 'clean-up-failed', failures });
  }
}

/** The plan of each arm, as text; undefined where a driver has none to show. Starts nothing. */
export async function explainArms(
  scenario: Scenario,
  baseDir: string,
  context: ArmsContext,
): Promise<{ arm: string; plan: string | undefined; excluded: string | undefined }[]> {
  const rootfs = await openRootfs(scenario.payload.files, baseDir);
  return await withArms(scenario, rootfs, context, { functionalCheck: 'plan-only' }, async (arms) =>
    arms.map(({ arm, prepared, excluded }) => ({
      arm: arm.label,
      plan: prepared?.explain?.(),
      excluded: excluded?.reason,
    })),
  );
}

export function graceOf({ graceMs }: ArmsContext): { graceMs?: number } {
  return graceMs === undefined ? {} : { graceMs };
}
