import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, VlabError } from '../base/errors.js';
import type { Accel, Boundary, Circumstances, Driver, Prepared } from '../drivers/driver.js';
import { bounded } from './bounded.js';
import type { Listener } from './events.js';
import { runTrial } from './run-trial.js';
import type { Scenario, ScenarioArm } from './scenario.js';

/** An arm on this machine: ready to be started, or with the reason why it takes no part. */
export interface PreparedArm {
  arm: ScenarioArm;
  boundary: Boundary;
  summary: string;
  version: string;
  accel: Accel;
  notes: string[];
  circumstances: Circumstances | undefined;
  /** How long the functional check took, clean-up included; 0 when there was none. */
  checkMs: number;
  prepared: Prepared | undefined;
  excluded: Exclusion | undefined;
}

export interface Exclusion {
  /** `skipped`: this machine cannot · `failed`: it should have worked and did not. */
  outcome: 'skipped' | 'failed';
  reason: string;
  mend: string | undefined;
}

export interface PrepareOptions {
  /** The directory that the scenario's rootfs stands for. */
  rootfsDir: string;
  /** Each arm gets a folder of its own in it. */
  scratchDir: string;
  load(name: string): Promise<Driver>;
  signal: AbortSignal;
  listener: Listener;
  /** Arms that an earlier part of this run left out, with their reasons: they stay out. */
  alreadyExcluded?: ReadonlyMap<string, string>;
  /** `plan-only`: nothing is started, as nothing will be timed. */
  functionalCheck?: 'run' | 'plan-only';
  graceMs?: number;
}

/**
 * Probes and prepares each arm and lets the payload run once in it: the program must really have run there before
 * anything is timed. An arm that cannot is excluded with a reason, and the others go on. Throws only when cancelled (the
 * signal's reason); what was prepared until then is taken down.
 */
export async function prepareArms(scenario: Scenario, options: PrepareOptions): Promise<PreparedArm[]> {
  const arms: PreparedArm[] = [];
  try {
    for (const arm of scenario.arms) {
      options.signal.throwIfAborted();
      await options.listener({ kind: 'arm-preparing', arm: arm.label });
      const ready = await prepareArm(arm, scenario, options);
      arms.push(ready);
      options.signal.throwIfAborted();
      const { label } = arm;
      const { excluded, version, accel, notes } = ready;
      await options.listener(
        excluded
          ? { kind: 'arm-excluded', arm: label, reason: excluded.reason, mend: excluded.mend }
          : { kind: 'arm-ready', arm: label, version, accel, notes },
      );
    }
  } catch (error) {
    await disposeArms(arms, options.graceMs);
    throw error;
  }
  return arms;
}

/** Takes all arms down. Returns what went wrong; one arm's failure does not keep the others from it. */
export async function disposeArms(arms: readonly PreparedArm[], graceMs?: number): Promise<string[]> {
  const failures: string[] = [];
  for (const { arm, prepared } of arms) {
    try {
      if (prepared)
        await bounded(
          Promise.resolve(prepared[Symbol.asyncDispose]()),
          AbortSignal.abort(),
          `taking down ${arm.label}`,
          graceMs,
        );
    } catch (error) {
      failures.push(`${arm.label}: ${messageOf(error)}`);
    }
  }
  return failures;
}

async function prepareArm(arm: ScenarioArm, scenario: Scenario, options: PrepareOptions): Promise<PreparedArm> {
  const { signal, graceMs } = options;
  const driver = await options.load(arm.driver);
  const known = { arm, boundary: driver.boundary, summary: driver.summary };
  const left = (excluded: Exclusion, version = '', accel: Accel = '', notes: string[] = []): PreparedArm => ({
    ...known,
    version,
    accel,
    notes,
    circumstances: undefined,
    checkMs: 0,
    prepared: undefined,
    excluded,
  });

  const earlier = options.alreadyExcluded?.get(arm.label);
  if (earlier !== undefined) return left({ outcome: 'skipped', reason: earlier, mend: undefined });

  const support = await bounded(driver.probe(), signal, `the probe of ${arm.driver}`, graceMs);
  if (!support.ready) return left({ outcome: 'skipped', reason: support.missing, mend: support.mend });
  const { version, notes } = support;
  let { accel } = support;

  let prepared: Prepared;
  try {
    const scratchDir = join(options.scratchDir, arm.label);
    await mkdir(scratchDir, { recursive: true, mode: 0o700 });
    const preparing = driver.prepare({
      rootfs: options.rootfsDir,
      command: scenario.payload.command,
      env: scenario.payload.env,
      limits: arm.limits,
      ready: scenario.ready,
      scratchDir,
      options: arm.options,
    });
    prepared = await bounded(preparing, signal, `preparing ${arm.label}`, graceMs);
  } catch (error) {
    signal.throwIfAborted();
    const cannot = error instanceof VlabError && error.blame === 'host';
    const mend = error instanceof VlabError ? error.hint : undefined;
    return left({ outcome: cannot ? 'skipped' : 'failed', reason: messageOf(error), mend }, version, accel, notes);
  }
  accel = prepared.accel ?? accel;
  const circumstances = prepared.circumstances ?? driver.circumstances;
  const ready: PreparedArm = {
    ...known,
    version,
    accel,
    notes,
    circumstances,
    checkMs: 0,
    prepared,
    excluded: undefined,
  };
  if (options.functionalCheck === 'plan-only') return ready;

  const checkedAtMs = performance.now();
  const check = await runTrial(prepared, scenario.payload.check, {
    deadlineMs: arm.deadlineMs,
    signal,
    ...withGrace(graceMs),
  });
  if (check.outcome === 'ok') return { ...ready, checkMs: performance.now() - checkedAtMs };
  const reason = `the functional check failed: ${check.reason}`;
  return { ...ready, excluded: { outcome: 'failed', reason, mend: undefined } };
}

function withGrace(graceMs: number | undefined): { graceMs?: number } {
  return graceMs === undefined ? {} : { graceMs };
}
