/**
 * `npm run bench:steps`: where the time of a container's start goes, step by step: the same plan with a stamp behind every
 * step, started many times; the medians, longest first. The stamps make it slower than it is (`npm run bench`).
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { usualPlaces } from '../src/container/cgroup/places.js';
import { sharedLauncher } from '../src/container/shared-launcher.js';
import { situationFor } from '../src/container/situation-for.js';
import { jobConfig, startPlan } from '../src/drivers/container.js';
import { probeRootfs } from '../src/drivers/probe-rootfs.js';
import { makeScratch } from '../src/lab/scratch.js';
import { quantile } from '../src/stats/quantile.js';
import { showCall } from '../src/sys/show.js';
import { textTable } from './table.js';
import { readStampedSteps, withStamps } from './timed-steps.js';
import { wholeNumber } from './whole-number.js';

interface StepTimes {
  call: string;
  why: string;
  microseconds: number[];
}

/** Runs the bench with the words behind `npm run bench:steps --`. */
export async function stepsBench(words: string[]): Promise<void> {
  const { values } = parseArgs({
    args: words,
    options: {
      starts: { type: 'string', default: '100' },
      longest: { type: 'string', default: '25' },
      json: { type: 'boolean', default: false },
    },
  });
  const starts = wholeNumber('--starts', values.starts, 1, 10_000);
  const steps = await timeSteps(starts);
  const medians = steps.flatMap(({ call, why, microseconds }, step) =>
    microseconds.length === 0 ? [] : [{ step, call, why, us: quantile(Float64Array.from(microseconds).sort(), 0.5) }],
  );
  if (values.json) {
    process.stdout.write(`${JSON.stringify(medians, undefined, 1)}\n`);
    return;
  }
  const longest = [...medians]
    .sort((a, b) => b.us - a.us)
    .slice(0, wholeNumber('--longest', values.longest, 1, 10_000));
  const rows = longest.map(({ step, call, why, us }) => [String(step), us.toFixed(1), call.slice(0, 70), why]);
  process.stdout.write(`${textTable(['step', 'µs', 'call', 'what for'], rows)}\n`);
}

async function timeSteps(starts: number): Promise<StepTimes[]> {
  const { dir } = await probeRootfs();
  const job = { rootfs: dir, command: ['/probe', 'hello'], env: {}, limits: {}, ready: 'exit', options: {} } as const;
  const configOf = (id: string) => jobConfig({ ...job, command: [...job.command], scratchDir: dir }, id, undefined);
  const situation = await situationFor(configOf('facts'));
  const resident = await sharedLauncher(usualPlaces(situation.cgroups));
  await using scratch = await makeScratch();
  let steps: StepTimes[] = [];
  for (let count = 0; count < starts; count++) {
    const id = `vlab-steps-${process.pid}-${count}`;
    // Fresh files, as every start has: emptying an old one would cost more than making a new one.
    const [stdoutPath, stderrPath] = [join(scratch.dir, `${id}.out`), join(scratch.dir, `${id}.err`)];
    const { plan } = startPlan(configOf(id), situation, { stdoutPath, stderrPath, ready: 'exit' });
    if (steps.length === 0)
      steps = plan.steps.map((step) => ({ call: showCall(step), why: step.why, microseconds: [] }));
    const { ended } = await resident.perform(withStamps(plan));
    const { failure, reply } = await ended;
    for (const path of [stdoutPath, stderrPath]) rmSync(path, { force: true });
    if (failure) throw failure;
    readStampedSteps(reply).forEach((ns, step) => {
      if (ns !== undefined) steps[step]?.microseconds.push(ns / 1000);
    });
  }
  return steps;
}
