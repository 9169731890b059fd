/**
 * Starts observed plans through the launcher and presents them as instances. The one place where drivers act; a driver
 * itself only says what its arm is.
 */

import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, messageOf, VlabError } from '../base/errors.js';
import { sharedLauncher } from '../container/shared-launcher.js';
import type { Performance, Performed } from '../sys/channel.js';
import { endWriters } from '../sys/end-writers.js';
import type { Launcher } from '../sys/launcher.js';
import { own } from '../sys/owners.js';
import type { Plan } from '../sys/plan.js';
import { membersOf, removeCgroup } from '../sys/remove-cgroup.js';
import { showPlan } from '../sys/show.js';
import { signalIfThere } from '../sys/signal.js';
import { type Observed, readObserved } from '../sys/stamps.js';
import type { Checkpoints, Exit, Footprint, Instance, Job, Prepared } from './driver.js';
import type { ObserveOptions } from './observe.js';

/** What a driver supplies for one start. */
export interface Start {
  plan: Plan;
  /** Plan of a further program in the running instance; absent: not possible, with the reason. */
  execPlan?: (pid: number, command: string[], files: ObserveOptions) => Plan;
  /** Cgroups that hold its processes, for the footprint and for the clean-up after a cancel. */
  cgroups?: string[];
  /** Sends a signal to the payload where it is no process of the host. Default: kill(2) on the cloned process. */
  kill?: (signal: number) => Promise<void>;
  /** Says what went wrong in an ended start, better than the failed step can. Undefined: as the plan has it. */
  judge?: (performed: Performed) => Promise<Error | undefined>;
  /** A peer's own clean-up. `orderly`: it came to its own end; otherwise it may have left something running. */
  dispose?: (orderly: boolean) => Promise<void>;
}

export interface LaunchedOptions {
  job: Job;
  /** Called for each start with a fresh id and its output files. */
  compile(id: string, files: ObserveOptions): Start;
  /** Runs once when the job is over. */
  dispose?: () => Promise<void>;
  /** Cgroups and files that starts may leave when nobody comes back to remove them, by the job's id (see owners.ts). */
  cgroups?(id: string): string[];
  paths?(id: string): string[];
}

/** A prepared job whose starts are performed by the launcher. */
export async function launched({ job, compile, dispose, cgroups, paths }: LaunchedOptions): Promise<Prepared> {
  const resident = await sharedLauncher();
  const id = `vlab-${randomBytes(5).toString('hex')}`;
  const scratch = join(job.scratchDir, id);
  const ownership = own(id, { cgroups: cgroups?.(id) ?? [], paths: [scratch, ...(paths?.(id) ?? [])] });
  mkdirSync(scratch, { recursive: true, mode: 0o700 });
  let count = 0;
  const files = (): ObserveOptions => {
    const at = join(scratch, String(count++));
    return { stdoutPath: `${at}.out`, stderrPath: `${at}.err`, ready: job.ready };
  };
  const next = () => {
    const written = files();
    return { written, start: compile(`${id}-${count}`, written) };
  };
  return {
    explain: () => showPlan(next().start.plan),
    async start(signal) {
      const { written, start } = next();
      return LaunchedInstance.start(resident, start, written, files, signal);
    },
    async [Symbol.asyncDispose]() {
      await dispose?.();
      await ownership[Symbol.asyncDispose]();
    },
  };
}

class LaunchedInstance implements Instance {
  readonly checkpoints: Checkpoints = {};
  private pid = 0;
  /** The plan came to its end, and the payload to its own. */
  private orderly = false;
  private ended = false;

  private constructor(
    private readonly resident: Launcher,
    private readonly start: Start,
    private readonly paths: ObserveOptions,
    private readonly files: () => ObserveOptions,
    private readonly performance: Performance,
  ) {}

  static async start(
    resident: Launcher,
    start: Start,
    paths: ObserveOptions,
    files: () => ObserveOptions,
    signal: AbortSignal,
  ): Promise<Instance> {
    signal.throwIfAborted();
    const performance = await resident.perform(start.plan);
    const instance = new LaunchedInstance(resident, start, paths, files, performance);
    const cancel = () => void performance.cancel(); // the dispose below waits for it
    signal.addEventListener('abort', cancel, { once: true });
    try {
      await instance.untilReady();
      signal.throwIfAborted();
      return instance;
    } catch (error) {
      await instance[Symbol.asyncDispose]();
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  get stdoutPath(): string {
    return this.paths.stdoutPath;
  }

  get stderrPath(): string {
    return this.paths.stderrPath;
  }

  /** Resolves on the note or on the end, whichever comes first. */
  private async untilReady(): Promise<void> {
    const noted = new Promise<void>((resolve) => {
      this.performance.onNote = (payload) => {
        this.take(readObserved(payload));
        resolve();
      };
    });
    await Promise.race([noted, this.finish()]);
  }

  /** Waits for the end, takes the checkpoints, and throws what went wrong. */
  private async finish(): Promise<Observed> {
    const performed: Performed = await this.performance.ended;
    this.ended = true;
    const observed = readObserved(performed.reply);
    const killed = observed.exit !== undefined && 'signal' in observed.exit;
    this.orderly = !killed && !performed.failure;
    this.checkpoints.requested = performed.receivedNs;
    this.take(observed);
    const failure = (await this.start.judge?.(performed)) ?? performed.failure;
    if (failure) throw failure;
    if (this.paths.ready === 'exit' && observed.stamps.exited !== undefined) {
      this.checkpoints.ready = observed.stamps.exited;
    }
    return observed;
  }

  private take(observed: Observed): void {
    this.pid = observed.pid;
    Object.assign(this.checkpoints, observed.stamps);
    const { firstByte } = observed.stamps;
    if (this.paths.ready === 'first-byte' && firstByte !== undefined) this.checkpoints.ready = firstByte;
  }

  async exec(command: string[]): Promise<Instance> {
    const { execPlan } = this.start;
    if (!execPlan) throw new VlabError('host', 'this technology cannot run a second program in a running instance');
    const paths = this.files();
    const plan = execPlan(this.pid, command, paths);
    return LaunchedInstance.start(this.resident, { plan }, paths, this.files, new AbortController().signal);
  }

  async kill(signal: number): Promise<void> {
    if (this.ended || this.pid <= 0) return;
    if (this.start.kill) return this.start.kill(signal);
    try {
      signalIfThere(this.pid, signal);
    } catch (error) {
      throw new VlabError('operation', `cannot signal ${this.pid}`, { cause: error });
    }
  }

  async wait(): Promise<Exit> {
    const { exit } = await this.finish();
    if (!exit) throw new VlabError('operation', 'the plan ended without the payload having been reaped');
    return exit;
  }

  async footprint(): Promise<Footprint> {
    const cgroup = this.start.cgroups?.map((path) => memoryOf(path)).find((bytes) => bytes !== undefined);
    const pids = this.start.cgroups?.[0] ? membersOf(this.start.cgroups[0]) : [this.pid];
    const smaps = pids.flatMap((pid) => smapsOf(pid) ?? []);
    const sum = (pick: (one: { rss: number; pss: number }) => number) =>
      smaps.reduce((total, one) => total + pick(one), 0);
    return {
      processes: pids.length,
      ...(smaps.length > 0 ? { rssBytes: sum(({ rss }) => rss), pssBytes: sum(({ pss }) => pss) } : {}),
      ...(cgroup === undefined ? {} : { cgroupBytes: cgroup }),
    };
  }

  /** Ends it if it still runs. Everything it made is gone when this resolves. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.performance.cancel();
    // What the performer started dies with it, but a moment later, and not what has freed itself from it.
    if (!this.orderly) await endWriters([this.stdoutPath, this.stderrPath]);
    await this.start.dispose?.(this.orderly);
    if (!this.orderly) for (const directory of this.start.cgroups ?? []) await removeCgroup(directory);
  }
}

/** memory.current or memory.usage_in_bytes of a cgroup directory, or undefined when it has no memory controller. */
function memoryOf(directory: string): number | undefined {
  for (const file of ['memory.current', 'memory.usage_in_bytes']) {
    const text = readOptional(join(directory, file));
    if (text !== undefined) return Number(text);
  }
  return undefined;
}

/** Rss and Pss of /proc/PID/smaps_rollup (proc_pid_smaps(5)), in bytes. */
function smapsOf(pid: number): { rss: number; pss: number } | undefined {
  const text = readOptional(`/proc/${pid}/smaps_rollup`);
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text ?? '')?.[1]);
  return text ? { rss: kib('Rss') * 1024, pss: kib('Pss') * 1024 } : undefined;
}

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'ENODEV'].includes(errnoOf(error) ?? '')) return undefined;
    throw new VlabError('operation', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
}
