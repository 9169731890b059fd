/** A launcher of a test's own, in a directory of its own, as a child of the test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostArch } from '../../../src/sys/abi.js';
import { type Performance, perform } from '../../../src/sys/channel.js';
import { initVersion, nativeBinary } from '../../../src/sys/native.js';
import { type Plan, PlanBuilder } from '../../../src/sys/plan.js';
import { dial } from './raw-channel.js';

export class OwnLauncher implements AsyncDisposable {
  private constructor(
    readonly dir: string,
    private readonly init: string,
    private child: ChildProcess,
  ) {}

  static async start(): Promise<OwnLauncher> {
    const dir = mkdtempSync(join(tmpdir(), 'vlab-l'));
    const init = await nativeBinary('vlab-init');
    const launcher = new OwnLauncher(dir, init, serve(init, dir));
    await launcher.listens();
    return launcher;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get socketPath(): string {
    return join(this.dir, 'launcher.sock');
  }

  async perform(plan: Plan): Promise<Performance> {
    return perform(await dial(this.socketPath), plan, initVersion());
  }

  /** Its performers and what they started, as far as they are its children or theirs. */
  descendants(of = this.pid): number[] {
    return childrenOf(of).flatMap((pid) => [pid, ...this.descendants(pid)]);
  }

  /** Connections and pidfds that it holds. */
  descriptors(): number {
    const links = readdirSync(`/proc/${this.pid}/fd`).map((fd) => readlinkSync(`/proc/${this.pid}/fd/${fd}`));
    return links.filter((link) => /^socket:|pidfd/.test(link)).length - 1; // the listener
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }

  /** Starts another in the same directory. */
  async restart(): Promise<void> {
    this.child = serve(this.init, this.dir);
    await this.listens();
  }

  /** A connection alone may be one to the socket of a killed launcher, which a performer that it had just forked still holds. */
  private async listens(): Promise<void> {
    await until(async () => {
      if (this.child.exitCode !== null) throw new Error(`the launcher ended with ${this.child.exitCode}`);
      return this.answers();
    }, 'the launcher answers');
    await until(() => this.descendants().length === 0, 'the performer of that plan has ended');
  }

  private async answers(): Promise<boolean> {
    const b = new PlanBuilder(hostArch());
    b.step('getpid', [], 'answer');
    try {
      return (await (await this.perform(b.build())).ended).failure === undefined;
    } catch {
      return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.dir, { recursive: true });
  }
}

function serve(init: string, dir: string): ChildProcess {
  return spawn(init, ['serve', dir], { argv0: 'vlab-init', stdio: 'ignore', env: {} });
}

export function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => statOf(pid)?.[1] === String(parent));
}

/** State, parent and the rest of /proc/PID/stat behind the name; undefined when there is no such process. */
export function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined; // it ended while we looked
  }
}

/** Running, not merely waiting to be reaped. */
export function runs(pid: number): boolean {
  const state = statOf(pid)?.[0];
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** Waits for something that takes a moment. Throws after `deadlineMs`, saying what did not come. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  deadlineMs = 5000,
): Promise<void> {
  for (const began = Date.now(); !(await condition()); await sleep(5)) {
    if (Date.now() - began > deadlineMs) throw new Error(`after ${deadlineMs} ms still not: ${what}`);
  }
}
