/** Runs tests on one runtime, a few at a time, in a place that is gone afterwards. */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { nativeBinary } from '../../../src/sys/native.js';
import { makeCgroups, removeCgroups } from './cgroup-folders.js';
import { runCommand } from './command.js';
import { lacks } from './machine.js';
import { give } from './ordinary-user.js';
import { parseMountinfo } from './proc-text.js';
import type { OpenRuntime, Runtime } from './runtimes.js';
import { Scene } from './scene.js';
import { type ConformanceTest, NotApplicable } from './test-type.js';

export type Result = { kind: 'pass'; seconds: number } | { kind: 'fail' | 'not applicable'; why: string };

const AT_ONCE = 4;
const MOST_MS = 60_000;

export class SuiteRun {
  private readonly cgroupParent: string;
  private waiting: (() => void)[] = [];
  private busy = 0;
  private made = 0;

  private constructor(
    readonly runtime: Runtime,
    private readonly opened: OpenRuntime,
    private readonly probe: string,
    private readonly dir: string,
  ) {
    this.cgroupParent = `/${basename(dir)}`;
  }

  static async open(runtime: Runtime): Promise<SuiteRun> {
    const dir = mkdtempSync(join(tmpdir(), 'vlab-oct-'));
    chmodSync(dir, 0o755); // users of containers pass through it
    const probe = join(dir, 'probe');
    copyFileSync(await nativeBinary('probe'), probe);
    const state = join(dir, 'state');
    mkdirSync(state);
    const { user } = runtime;
    // Cgroups as they are delegated to users.
    if (user) for (const folder of [state, ...makeCgroups(`/${basename(dir)}`)]) give(folder, user);
    return new SuiteRun(runtime, await runtime.open(dir), probe, dir);
  }

  /** Never rejects. */
  async run(test: ConformanceTest): Promise<Result> {
    for (const need of test.needs ?? []) {
      const why = lacks(need);
      if (why !== undefined) return { kind: 'not applicable', why };
    }
    await this.turn();
    const from = process.hrtime.bigint();
    try {
      await this.play(test);
      return { kind: 'pass', seconds: Number(process.hrtime.bigint() - from) / 1e9 };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (error instanceof NotApplicable) return { kind: 'not applicable', why };
      const { since } = test;
      if (since !== undefined && since > this.runtime.version) {
        return { kind: 'not applicable', why: `asked for since ${since}: ${why}` };
      }
      return { kind: 'fail', why };
    } finally {
      this.busy--;
      this.waiting.shift()?.();
    }
  }

  private async turn(): Promise<void> {
    while (this.busy >= AT_ONCE) await new Promise<void>((go) => this.waiting.push(go));
    this.busy++;
  }

  private async play(test: ConformanceTest): Promise<void> {
    const name = `t${this.made++}`;
    const dir = join(this.dir, name);
    mkdirSync(dir);
    const { user } = this.runtime;
    const scene = new Scene(
      this.runtime,
      dir,
      {
        words: [...this.opened.command, '--root', join(this.dir, 'state')],
        env: { ...environment(), ...this.opened.env },
        ...(user ? { give: () => give(dir, user) } : {}),
      },
      `${this.cgroupParent.slice(1)}-${name}`,
      this.cgroupParent,
      this.probe,
    );
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`the test did not end within ${MOST_MS / 1000} s`)), MOST_MS);
    });
    const troubles: unknown[] = [];
    await Promise.race([test.run(scene), late]).catch((error) => troubles.push(error));
    clearTimeout(timer);
    await scene.end().catch((error) => troubles.push(error));
    rmSync(dir, { recursive: true, force: true });
    if (troubles.length > 0) throw troubles[0];
  }

  /** Also of tests that have not ended: their processes are in the cgroups. */
  async close(): Promise<void> {
    await this.opened.close();
    await removeCgroups(this.cgroupParent);
    for (const { path } of parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8')).reverse()) {
      if (path.startsWith(`${this.dir}/`)) await runCommand(['umount', '--lazy', path], { env: environment() });
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** What the runtimes need, and one variable that must not get into a container. */
function environment(): Record<string, string> {
  const kept = ['PATH', 'HOME', 'XDG_CACHE_HOME', 'XDG_RUNTIME_DIR', 'VLAB_RUN_DIR', 'TMPDIR'];
  const given = kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  return { ...Object.fromEntries(given), CANARY: 'of the runtime' };
}
