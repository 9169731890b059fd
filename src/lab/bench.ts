/**
 * A whole run, from the scenario to its folder: prepare the arms, open the folder, run the trials, say what came of it.
 * `bench` starts one, `resumeBench` goes on with one that was interrupted.
 */
import { access, constants } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { messageOf, VlabError } from '../base/errors.js';
import { makeOwnedDir } from '../base/owner.js';
import { execute } from './execute.js';
import { leakCheck } from './leak-check.js';
import { checkScenario, readScenarioFile } from './load-scenario.js';
import type { Manifest } from './manifest.js';
import { endedManifest, newManifest, resumedManifest } from './manifest-states.js';
import { pinned } from './pinned.js';
import type { PreparedArm } from './prepare-arms.js';
import { readPressure } from './pressure.js';
import type { Surroundings } from './provenance.js';
import { openRootfs, programSha256 } from './rootfs.js';
import type { Row } from './row.js';
import { findRun, RUN_FILES, RunFolder, readManifest, readRows } from './run-folder.js';
import type { PayloadFiles, Scenario } from './scenario.js';
import { schedule, select } from './schedule.js';
import { type SummaryLine, summarise } from './summarise.js';
import { encodeSummary } from './summary-csv.js';
import { type ArmsContext, graceOf, withArms } from './with-arms.js';

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
  const rootfs = await openRootfs(scenario.payload.files, request.baseDir);
  const sha256 = await programSha256(rootfs.dir, scenario.payload.command[0] as string);
  return await withArms(scenario, rootfs, context, {}, async (arms) => {
    mustHaveAnArm(scenario, arms);
    const trials = schedule(scenario, seed);
    await using folder = await RunFolder.create(resultsDir, scenario.name);
    const { dir, run } = folder;
    const manifest = newManifest(request, {
      run,
      arms,
      rootfs,
      programSha256: sha256,
      trialsPlanned: trials.length,
      surroundings: await context.surroundings(),
      pressure: await readPressure(),
      now: new Date(),
    });
    await folder.replace(RUN_FILES.scenario, pinned(request.scenarioText, rootfs.image));
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
  const rootfs = await openRootfs(filesOf(before), '/');
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
    const manifest = resumedManifest(before, arms, await context.surroundings(), new Date());
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
  const reason = complete ? undefined : signal.aborted ? messageOf(signal.reason) : 'not all trials were run';
  const manifest = endedManifest(run.manifest, { reason, remarks, pressure: await readPressure(), now: new Date() });
  await folder.replace(RUN_FILES.summary, encodeSummary(summariseRun(manifest, await readRows(folder.dir))));
  await folder.writeManifest(manifest);
  await listener({ kind: 'run-ended', partial: manifest.partial, reason });
  return { dir: folder.dir, manifest };
}

function finishedOrders(folder: RunFolder): Set<number> {
  return new Set(folder.earlierRows.map((row) => row.order));
}

async function scenarioOfRun(dir: string, manifest: Manifest): Promise<Scenario> {
  const path = join(dir, RUN_FILES.scenario);
  const whole = await checkScenario(await readScenarioFile(path), path, { rootfsIsElsewhere: true });
  return select(whole, { runs: manifest.scenario.blocks, only: manifest.arms.map((arm) => arm.label) });
}

function filesOf({ payload: { image, rootfs, rootfsDir } }: Manifest): PayloadFiles {
  if (image !== undefined) return { image };
  return { rootfs: rootfs === 'probe' ? rootfs : rootfsDir };
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
