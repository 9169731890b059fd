/** Arms that are started by vlab's launcher: drivers, and whole commands of others. */
import { readFileSync, rmSync } from 'node:fs';
import { VlabError } from '../src/base/errors.js';
import type { Checkpoints, Driver, Job, Prepared } from '../src/drivers/driver.js';
import { launched } from '../src/drivers/launched.js';
import { execHost, observedPlan } from '../src/drivers/observe.js';
import { hostArch } from '../src/sys/abi.js';
import type { PlanBuilder } from '../src/sys/plan.js';
import type { BenchArm } from './arm.js';
import type { Metric } from './comparisons.js';

type ArmHead = Pick<BenchArm, 'label' | 'what' | 'every' | 'accel'>;
type Times = Partial<Record<Metric, number>>;

interface Expected {
  /** The program's output: all of it, or a part that must be in it. */
  stdout: string | RegExp;
  deadlineMs: number;
}

/** A driver's job, timed from the request that the launcher has received. */
export async function driverArm(arm: ArmHead, driver: Driver, job: Job, expected: Expected): Promise<BenchArm> {
  return armOf(arm, await driver.prepare(job), expected, (at) => ({
    ...since(at.requested, { exec: at.exec, ready: at.firstByte, exit: at.exited, clean: at.clean }),
  }));
}

export interface Command {
  path: string;
  /** argv, for each start: a container's name must be a new one. */
  argv: (id: string) => readonly string[];
  env: Readonly<Record<string, string>>;
  /** `whole`: from exec to the end, and to the first byte if the job waits for one. `ready`: only that, from the request. */
  timed: 'whole' | 'ready';
  /** Steps of the child before the stamp: what the command needs and does not do itself. */
  prepare?: (b: PlanBuilder) => void;
}

/** A command of the host, timed by the performer; Node spawns and stamps nothing. */
export async function commandArm(arm: ArmHead, command: Command, job: Job, expected: Expected): Promise<BenchArm> {
  const prepared = await launched({
    job,
    compile: (id, files) => ({
      plan: observedPlan(
        hostArch(),
        (b, stamps) => ({
          peer: true,
          exec() {
            command.prepare?.(b);
            stamps.stamp('exec', 'the command is about to run');
            execHost(b, command.path, command.argv(id), command.env);
          },
        }),
        files,
      ),
    }),
  });
  return armOf(arm, prepared, expected, (at) =>
    command.timed === 'whole'
      ? { ...since(at.exec, { whole: at.exited }), ...since(at.requested, { ready: at.firstByte }) }
      : since(at.requested, { ready: at.firstByte }),
  );
}

function armOf(arm: ArmHead, prepared: Prepared, expected: Expected, times: (at: Checkpoints) => Times): BenchArm {
  return {
    ...arm,
    async start() {
      await using instance = await prepared.start(AbortSignal.timeout(expected.deadlineMs));
      const exit = await instance.wait();
      const said = readFileSync(instance.stdoutPath, 'utf8');
      if (exit.code !== 0 || !fits(said, expected.stdout)) {
        const complaint = readFileSync(instance.stderrPath, 'utf8').trim().split('\n').at(-1);
        throw new VlabError(
          'operation',
          `${arm.label} ended with ${JSON.stringify(exit)} and said ${JSON.stringify(said.slice(0, 80))}`,
          {
            ...(complaint ? { hint: complaint } : {}),
          },
        );
      }
      for (const path of [instance.stdoutPath, instance.stderrPath]) rmSync(path);
      return times(instance.checkpoints);
    },
    close: async () => prepared[Symbol.asyncDispose](),
  };
}

function fits(said: string, expected: string | RegExp): boolean {
  return typeof expected === 'string' ? said === expected : expected.test(said);
}

function since(start: bigint | undefined, ends: Partial<Record<Metric, bigint | undefined>>): Times {
  if (start === undefined) return {};
  return Object.fromEntries(
    Object.entries(ends).flatMap(([metric, end]) => (end === undefined ? [] : [[metric, Number(end - start)]])),
  );
}
