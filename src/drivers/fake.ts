/**
 * A driver that starts nothing: its times come from a script or a seeded distribution, and it reads no clock. It makes
 * the lab's own behaviour testable — order, statistics, failures, deadlines, resuming — in milliseconds and exactly.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { VlabError } from '../base/errors.js';
import { type Random, seededRandom } from '../stats/random.js';
import type { Checkpoints, Driver, Exit, Instance, Job, Prepared } from './driver.js';

const starts = z.array(z.int().min(0)).default([]);

/** Starts are counted from 0 for each prepared job; number 0 is the functional check. */
const optionsSchema = z.strictObject({
  timesMs: z
    .array(z.number().positive())
    .min(1)
    .optional()
    .describe('time from request to ready of each start in turn, from the front again at the end'),
  medianMs: z
    .number()
    .positive()
    .default(10)
    .describe('median of the log-normal time to ready, when there is no script'),
  spread: z.number().min(0).max(3).default(0.1).describe('standard deviation of the logarithm of that time'),
  seed: z.int().min(0).default(1).describe('seed of that distribution'),
  stdout: z.string().default('hello\n').describe('what the program says'),
  exit: z.int().min(0).max(255).default(0).describe('the exit code of the program'),
  accel: z.enum(['', 'kvm', 'tcg']).default('').describe('accelerator to claim'),
  unsupported: z.string().optional().describe('refuse to be prepared, for this reason'),
  fail: starts.describe('starts that fail'),
  crash: starts.describe('starts whose program ends with code 1 and says nothing'),
  hang: starts.describe('starts that never become ready'),
  linger: starts.describe('starts whose program becomes ready and never ends'),
  deaf: starts.describe('starts that never become ready and ignore that they are cancelled'),
});
type Options = z.output<typeof optionsSchema>;

export const driver: Driver = {
  name: 'fake',
  boundary: 'none',
  summary: 'Nothing is started: the times are scripted.',
  optionsSchema,
  probe: async () => ({
    ready: true,
    version: 'scripted',
    accel: '',
    notes: ['times are scripted, nothing was started'],
  }),
  prepare: async (job) => {
    const options = optionsSchema.parse(job.options);
    if (options.unsupported !== undefined) throw new VlabError('host', options.unsupported);
    const files = { said: join(job.scratchDir, 'said'), silent: join(job.scratchDir, 'silent') };
    await Promise.all([writeFile(files.said, options.stdout), writeFile(files.silent, '')]);
    return new FakePrepared(job, options, files);
  },
};

class FakePrepared implements Prepared {
  readonly accel: Options['accel'];
  private readonly random: Random;
  private count = 0;
  /** The scripted clock, ns. It starts at one second, so that a time that was never set is seen. */
  private nowNs = 1_000_000_000n;

  constructor(
    private readonly job: Job,
    private readonly options: Options,
    private readonly files: { said: string; silent: string },
  ) {
    this.accel = options.accel;
    this.random = seededRandom(options.seed, 'fake driver');
  }

  async start(signal: AbortSignal): Promise<Instance> {
    const number = this.count++;
    const { options } = this;
    const readyNs = this.nextReadyNs(number);
    signal.throwIfAborted();
    if (options.fail.includes(number)) throw new VlabError('operation', `start ${number} was scripted to fail`);
    if (options.hang.includes(number)) return await untilAborted(signal);
    if (options.deaf.includes(number)) return await new Promise<never>(() => {});
    const requested = this.nowNs;
    this.nowNs += 2n * readyNs;
    const crashes = options.crash.includes(number);
    return new FakeInstance(
      this,
      scriptedCheckpoints(requested, readyNs, { silent: crashes, needsSuccess: this.job.ready === 'exit' }),
      crashes ? { code: 1 } : { code: options.exit },
      options.linger.includes(number),
      crashes ? this.files.silent : this.files.said,
      this.files.silent,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** One draw for each start, also for those that fail: the times of the others do not depend on who fails. */
  private nextReadyNs(number: number): bigint {
    const { timesMs, medianMs, spread } = this.options;
    const drawn = medianMs * Math.exp(spread * standardNormal(this.random));
    return BigInt(Math.round((timesMs === undefined ? drawn : (timesMs[number % timesMs.length] as number)) * 1e6));
  }
}

class FakeInstance implements Instance {
  private readonly ended: Promise<Exit>;
  private end: (exit: Exit) => void = () => {};

  constructor(
    private readonly prepared: FakePrepared,
    readonly checkpoints: Checkpoints,
    exit: Exit,
    lingers: boolean,
    readonly stdoutPath: string,
    readonly stderrPath: string,
  ) {
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
    if (!lingers) this.end(exit);
  }

  exec(): Promise<Instance> {
    return this.prepared.start(new AbortController().signal);
  }

  async kill(signal: number): Promise<void> {
    this.end({ signal });
  }

  wait(): Promise<Exit> {
    return this.ended;
  }

  async footprint(): Promise<{ rssBytes: number; processes: number }> {
    return { rssBytes: 1024 ** 2, processes: 1 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end({ signal: 9 });
  }
}

/** Fixed shares of the time to ready; what a program that says nothing does not show is absent. */
function scriptedCheckpoints(
  requested: bigint,
  readyNs: bigint,
  start: { silent: boolean; needsSuccess: boolean },
): Checkpoints {
  const at = (percent: bigint): bigint => requested + (readyNs * percent) / 100n;
  const shown: Checkpoints = {
    requested,
    spawned: at(10n),
    rooted: at(40n),
    exec: at(50n),
    exited: at(105n),
    clean: at(110n),
  };
  if (!start.silent) shown.firstByte = at(100n);
  if (!start.silent) shown.ready = start.needsSuccess ? at(105n) : at(100n);
  return shown;
}

/** Box and Muller, Annals of Mathematical Statistics 29 (1958): one of the two values, the other is not needed. */
function standardNormal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.unit()));
  return radius * Math.cos(2 * Math.PI * random.unit());
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
