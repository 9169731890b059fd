/**
 * A whole run, from the scenario to its folder: prepare the arms, open the folder, run the trials, say what came of it.
 * `bench` starts one, `resumeBench` goes on with one that was interrupted.
 */
import { access, constants, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { messageOf, VlabError } from '../base/errors.js';
import { makeOwnedDir } from '../base/owner.js';
import type { Driver } from '../drivers/driver.js';
import type { Listener } from './events.js';
import { execute } from './execute.js';
import { leakCheck } from './leak-check.js';
import { checkScenario } from './load-scenario.js';
import type { Manifest } from './manifest.js';
import { disposeArms, type PreparedArm, type PrepareOptions, prepareArms } from './prepare-arms.js';
import { readPressure } from './pressure.js';
import type { Surroundings } from './provenance.js';
import { openRootfs, programSha256, type Rootfs } from './rootfs.js';
import type { Row } from './row.js';
import { findRun, RUN_FILES, RunFolder, readManifest, readRows } from './run-folder.js';
import type { Scenario } from './scenario.js';
import { schedule, select } from './schedule.js';
import { makeScratch } from './scratch.js';
import { type SummaryLine, summarise } from './summarise.js';
import { encodeSummary } from './summary-csv.js';

export interface BenchRequest {
  /** After --runs and --only. */
  scenario: Scenario;
  /** Becomes scenario.yaml. */
  scenarioText: string;
  /** Where relative paths of the scenario start. */
  baseDir: string;
  seed: number;
  resultsDir: string;
  /** The words after `vlab`. */
  argv: string[];
  /** A shell line that makes the run again. */
  command: string;
}

export interface BenchContext extends ArmsContext {
  surroundings(): Promise<Surroundings>;
}

/** What preparing arms needs. */
export interface ArmsContext {
  load(name: string): Promise<Driver>;
  /** For drivers that ignore that they were cancelled; see bounded.ts. */
  graceMs?: number;
  /** Ctrl-C. Its reason becomes the run's `partialReason`. */
  signal: AbortSignal;
  listener: Listener;
}

export interface BenchResult {
  dir: string;
  manifest: Manifest;
}

/**
 * Starts a run. Errors: `input` for what the person asked, `host` when no arm can run here, `operation` when rows cannot
 * be written (those written stay whole). A cancelled run is no error: its manifest says `partial`.
 */
export async function bench(request: BenchRequest, context: BenchContext): Promise<BenchResult> {
  const { scenario, seed, resultsDir } = request;
  await mustBeWritable(resultsDir);
  const rootfs = await openRootfs(scenario.payload.rootfs, request.baseDir);
  const sha256 = await programSha256(rootfs.dir, scenario.payload.command[0] as string);
  return await withArms(scenario, rootfs, context, {}, async (arms) => {
    mustHaveAnArm(scenario, arms);
    const trials = schedule(scenario, seed);
    await using folder = await RunFolder.create(resultsDir, scenario.name);
    const { dir, run } = folder;
    const manifest: Manifest = {
      format: 1,
      run,
      scenario: {
        name: scenario.name,
        title: scenario.title,
        question: scenario.question,
        metric: scenario.metric,
        baseline: scenario.baseline,
        ready: scenario.ready,
        blocks: scenario.blocks,
        warmup: scenario.warmup,
        deadlineMs: scenario.deadlineMs,
      },
      argv: request.argv,
      command: request.command,
      seed,
      arms: arms.map(({ arm, boundary, summary, version, accel, notes, circumstances, excluded }) => ({
        label: arm.label,
        driver: arm.driver,
        boundary,
        summary,
        version,
        accel,
        options: arm.options,
        limits: arm.limits,
        every: arm.every,
        notes,
        ...(circumstances ? { circumstances } : {}),
        ...(excluded ? { excluded: excluded.reason } : {}),
      })),
      payload: {
        command: scenario.payload.command,
        env: scenario.payload.env,
        rootfs: scenario.payload.rootfs,
        rootfsDir: rootfs.dir,
        rootfsDigest: rootfs.digest,
        programSha256: sha256,
        check: scenario.payload.check,
      },
      ...(await context.surroundings()),
      pressureBefore: await readPressure(),
      trialsPlanned: trials.length,
      partial: true,
      partialReason: 'the run goes on, or was killed',
      startedAt: new Date().toISOString(),
      resumedAt: [],
      remarks: [],
    };
    await folder.replace(RUN_FILES.scenario, request.scenarioText);
    await folder.writeManifest(manifest);
    await context.listener({ kind: 'run-opened', run, dir, planned: trials.length, alreadyDone: 0, seed });
    return await runTo({ folder, manifest, scenario, arms, context });
  });
}

/**
 * Goes on with a run: same schedule, same arms, only the trials that have no rows. Throws an `input` error when the run is
 * whole already, or when the program or its root file system is no longer the same.
 */
export async function resumeBench(resultsDir: string, word: string, context: BenchContext): Promise<BenchResult> {
  const dir = await findRun(resultsDir, word);
  await using folder = await RunFolder.resume(dir);
  const before = await readManifest(dir);
  if (!before.partial) throw new VlabError('input', `${before.run} is whole; there is nothing to go on with`);
  const scenario = await scenarioOfRun(dir, before);
  const rootfs = await openRootfs(rootfsOf(before), '/');
  if (rootfs.digest !== before.payload.rootfsDigest) {
    throw new VlabError('input', `the root file system ${rootfs.dir} has changed since ${before.run} began`, {
      hint: 'its new trials could not be compared with the old ones; start a new run',
    });
  }
  const alreadyExcluded = new Map(
    before.arms.flatMap((arm) => (arm.excluded === undefined ? [] : [[arm.label, arm.excluded] as const])),
  );
  return await withArms(scenario, rootfs, context, { alreadyExcluded }, async (arms) => {
    for (const { arm, excluded } of arms) {
      if (!excluded || alreadyExcluded.has(arm.label)) continue;
      throw new VlabError('operation', `${arm.label} cannot go on: ${excluded.reason}`, {
        hint: excluded.mend ?? 'the rows so far stay as they are',
      });
    }
    const manifest = { ...before, resumedAt: [...before.resumedAt, new Date().toISOString()] };
    await folder.writeManifest(manifest);
    const { trialsPlanned: planned, seed, run } = manifest;
    const alreadyDone = finishedOrders(folder).size;
    await context.listener({ kind: 'run-opened', run, dir, planned, alreadyDone, seed });
    return await runTo({ folder, manifest, scenario, arms, context });
  });
}

/** The lines of summary.csv. */
export function summariseRun(manifest: Manifest, rows: readonly Row[]): SummaryLine[] {
  const { seed, scenario, arms } = manifest;
  return summarise(rows, { baseline: scenario.baseline, seed, arms: arms.map((arm) => arm.label) });
}

/** The plan of each arm, as text; undefined where a driver has none to show. Starts nothing. */
export async function explainArms(
  request: Pick<BenchRequest, 'scenario' | 'baseDir'>,
  context: ArmsContext,
): Promise<{ arm: string; plan: string | undefined; excluded: string | undefined }[]> {
  const rootfs = await openRootfs(request.scenario.payload.rootfs, request.baseDir);
  return await withArms(request.scenario, rootfs, context, { functionalCheck: 'plan-only' }, async (arms) =>
    arms.map(({ arm, prepared, excluded }) => ({
      arm: arm.label,
      plan: prepared?.explain?.(),
      excluded: excluded?.reason,
    })),
  );
}

async function runTo(run: {
  folder: RunFolder;
  manifest: Manifest;
  scenario: Scenario;
  arms: readonly PreparedArm[];
  context: BenchContext;
}): Promise<BenchResult> {
  const { folder, scenario, arms, context } = run;
  const { signal, listener } = context;
  const { complete, remarks } = await execute({
    scenario,
    trials: schedule(scenario, run.manifest.seed),
    done: finishedOrders(folder),
    arms,
    sink: folder,
    signal,
    listener,
    leakCheck,
    ...graceOf(context),
  });
  const { partialReason: _, ...rest } = run.manifest;
  const reason = complete ? undefined : signal.aborted ? messageOf(signal.reason) : 'not all trials were run';
  const manifest: Manifest = {
    ...rest,
    partial: !complete,
    ...(reason === undefined ? {} : { partialReason: reason }),
    pressureAfter: await readPressure(),
    endedAt: new Date().toISOString(),
    remarks: [...run.manifest.remarks, ...remarks],
  };
  await folder.replace(RUN_FILES.summary, encodeSummary(summariseRun(manifest, await readRows(folder.dir))));
  await folder.writeManifest(manifest);
  await listener({ kind: 'run-ended', partial: manifest.partial, reason });
  return { dir: folder.dir, manifest };
}

/** Prepares the arms, works with them, and takes them and their scratch folder down whatever happens. */
async function withArms<T>(
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
    await disposeArms(arms, context.graceMs);
  }
}

function finishedOrders(folder: RunFolder): Set<number> {
  return new Set(folder.earlierRows.map((row) => row.order));
}

async function scenarioOfRun(dir: string, manifest: Manifest): Promise<Scenario> {
  const path = join(dir, RUN_FILES.scenario);
  const whole = await checkScenario(await readFile(path, 'utf8'), path, { rootfsIsElsewhere: true });
  return select(whole, { runs: manifest.scenario.blocks, only: manifest.arms.map((arm) => arm.label) });
}

function graceOf({ graceMs }: ArmsContext): { graceMs?: number } {
  return graceMs === undefined ? {} : { graceMs };
}

function rootfsOf({ payload: { rootfs, rootfsDir } }: Manifest): string {
  return rootfs === 'probe' ? rootfs : rootfsDir;
}

function mustHaveAnArm(scenario: Scenario, arms: readonly PreparedArm[]): void {
  const excluded = arms.flatMap((arm) => arm.excluded ?? []);
  if (excluded.length < arms.length) return;
  const reasons = arms.map(({ arm, excluded: why }) => `  ${arm.label}: ${why?.reason ?? ''}`).join('\n');
  const blame = excluded.every(({ outcome }) => outcome === 'skipped') ? 'host' : 'operation';
  const mend = excluded.find((why) => why.mend !== undefined)?.mend;
  throw new VlabError(blame, `no arm of ${scenario.name} can run here\n${reasons}`, {
    hint: mend ?? '`vlab doctor` says what this machine can do',
  });
}

/** Finds out before minutes of work that their result has nowhere to go. */
async function mustBeWritable(resultsDir: string): Promise<void> {
  try {
    makeOwnedDir(resultsDir);
    await access(resultsDir, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new VlabError('input', `results cannot be written to ${resolve(resultsDir)}: ${messageOf(cause)}`, {
      hint: 'name a folder of your own with --results DIR',
      cause,
    });
  }
}
