/**
 * The suite that every driver passes. A driver that cannot do something is listed with its reason in `exceptions`; what
 * is not listed is required.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runDir } from '../../src/base/paths.js';
import type { Checkpoints, Driver, Job, Prepared, Support } from '../../src/drivers/driver.js';
import { probeRootfs } from '../../src/drivers/probe-rootfs.js';
import { listOwners } from '../../src/sys/owners.js';
import { needs, type SkipName } from '../skips.js';
import { leftSince, machineState } from './machine-state.js';

export type Ability = 'exec' | 'signals' | 'footprint' | 'stderr' | 'environment';

export interface SuiteOptions {
  /** What the driver cannot do, and why. */
  exceptions?: Partial<Record<Ability, string>>;
  /** Checkpoints that it never shows. */
  hidden?: (keyof Checkpoints)[];
  /** How many starts in a row the test makes; 100 where they are cheap. */
  inARow?: number;
  /** Longest time of one start. */
  deadlineMs?: number;
  options?: Record<string, unknown>;
  /** The name under which the whole driver is skipped when its probe says that it is not ready. */
  skip: SkipName;
}

/** In the order in which one start passes them. */
const ORDER: (keyof Checkpoints)[] = ['requested', 'spawned', 'rooted', 'exec', 'firstByte', 'exited', 'clean'];

export function driverSuite(load: () => Promise<Driver>, name: string, suite: SuiteOptions): void {
  const deadlineMs = suite.deadlineMs ?? 10_000;
  const timeout = deadlineMs * 3;
  let support: Support | undefined;

  const job = async (command: string[], more: Partial<Job> = {}): Promise<Job> => ({
    rootfs: (await probeRootfs()).dir,
    command,
    env: {},
    limits: {},
    ready: 'first-byte',
    scratchDir: join(runDir(), 'trials'),
    options: suite.options ?? {},
    ...more,
  });

  /** Cgroups that the jobs so far may have made. */
  const cgroups = new Set<string>();

  async function prepare(command: string[], more: Partial<Job> = {}): Promise<Prepared> {
    const prepared = await (await load()).prepare(await job(command, more));
    for (const record of listOwners()) for (const pattern of record.cgroups) cgroups.add(pattern);
    return prepared;
  }

  /** Starts, waits, and gives what was seen. */
  async function once(command: string[], more: Partial<Job> = {}) {
    await using prepared = await prepare(command, more);
    await using instance = await prepared.start(AbortSignal.timeout(deadlineMs));
    const exit = await instance.wait();
    return {
      exit,
      stdout: readFileSync(instance.stdoutPath, 'utf8'),
      stderr: readFileSync(instance.stderrPath, 'utf8'),
      checkpoints: { ...instance.checkpoints },
    };
  }

  describe(`driver ${name}`, () => {
    test(
      'is ready, or says what is missing and how to mend it',
      async () => {
        const driver = await load();
        support = await driver.probe();
        expect(driver.name).toBe(name);
        expect(driver.summary.length).toBeGreaterThan(10);
        if (support.ready) expect(support.accel).toMatch(/^(|kvm|tcg)$/);
        else expect(support.mend.trim().split('\n')).toHaveLength(1);
      },
      timeout * 2,
    );

    const ready = (title: string, work: () => Promise<void>, ability?: Ability, times = 1) =>
      test(
        ability && suite.exceptions?.[ability] ? `${title}: not here (${suite.exceptions[ability]})` : title,
        async (context) => {
          needs(context, suite.skip, support?.ready === true);
          if (ability && suite.exceptions?.[ability]) return expectRefusal(ability);
          await work();
        },
        timeout * times,
      );

    /** An exception is a promise too: the driver refuses, and says why. */
    async function expectRefusal(ability: Ability): Promise<void> {
      if (ability !== 'exec') return;
      await using prepared = await prepare(['/probe', 'sleep', '30']);
      await using instance = await prepared.start(AbortSignal.timeout(deadlineMs));
      await expect(instance.exec(['/probe', 'hello'])).rejects.toThrow(/cannot/);
    }

    ready('runs the program and shows its output', async () => {
      const { exit, stdout } = await once(['/probe', 'hello']);
      expect({ exit, stdout }).toEqual({ exit: { code: 0 }, stdout: 'hello\n' });
    });

    for (const code of [1, 7, 255]) {
      ready(`passes exit code ${code} on`, async () => {
        expect((await once(['/probe', 'exit', String(code)], { ready: 'exit' })).exit).toEqual({ code });
      });
    }

    ready(
      'keeps standard error apart',
      async () => {
        const { stdout, stderr } = await once(['/probe', 'stderr', 'oops'], { ready: 'exit' });
        expect(stdout).toBe('');
        expect(stderr).toContain('oops\n');
      },
      'stderr',
    );

    ready(
      'passes the environment',
      async () => {
        const { stdout } = await once(['/probe', 'env'], { env: { GREETING: 'good day' } });
        expect(stdout.split('\n')).toContain('GREETING=good day');
      },
      'environment',
    );

    ready('loses no byte of a long output', async () => {
      const bytes = 3_000_001;
      const { stdout, exit } = await once(['/probe', 'flood', String(bytes)]);
      expect(exit).toEqual({ code: 0 });
      expect(stdout.length).toBe(bytes);
    });

    ready('passes the checkpoints in their order, by the host clock', async () => {
      const before = process.hrtime.bigint();
      const { checkpoints } = await once(['/probe', 'hello']);
      const after = process.hrtime.bigint();
      for (const hidden of suite.hidden ?? []) expect(checkpoints[hidden], hidden).toBeUndefined();
      const shown = ORDER.filter((checkpoint) => !suite.hidden?.includes(checkpoint));
      const times = shown.map((checkpoint) => checkpoints[checkpoint]);
      expect(times.every((time) => time !== undefined && time >= before && time <= after)).toBe(true);
      expect(times).toEqual([...times].sort((a, b) => Number((a ?? 0n) - (b ?? 0n))));
      expect(checkpoints.ready).toBe(checkpoints.firstByte);
    });

    ready('a silent program has no first byte', async () => {
      const { checkpoints } = await once(['/probe', 'true'], { ready: 'exit' });
      expect(checkpoints.firstByte).toBeUndefined();
      expect(checkpoints.ready).toBe(checkpoints.exited);
    });

    ready(
      'delivers a signal to the program',
      async () => {
        await using prepared = await prepare(['/probe', 'trap']);
        await using instance = await prepared.start(AbortSignal.timeout(deadlineMs));
        await instance.kill(15);
        expect(await instance.wait()).toEqual({ code: 0 });
        expect(readFileSync(instance.stdoutPath, 'utf8')).toBe('ready\nsignal 15\n');
      },
      'signals',
    );

    ready(
      'says which signal ended the program',
      async () => {
        await using prepared = await prepare(['/probe', 'sleep', '30']);
        await using instance = await prepared.start(AbortSignal.timeout(deadlineMs));
        await instance.kill(9);
        expect(await instance.wait()).toEqual({ signal: 9 });
      },
      'signals',
    );

    ready(
      'runs a second program in a running instance',
      async () => {
        await using prepared = await prepare(['/probe', 'sleep', '30']);
        await using instance = await prepared.start(AbortSignal.timeout(deadlineMs));
        await using second = await instance.exec(['/probe', 'echo', 'from', 'within']);
        expect(await second.wait()).toEqual({ code: 0 });
        expect(readFileSync(second.stdoutPath, 'utf8')).toBe('from within\n');
      },
      'exec',
    );

    ready(
      'tells its memory',
      async () => {
        await using prepared = await prepare(['/probe', 'sleep', '30']);
        await using instance = await prepared.start(AbortSignal.timeout(deadlineMs));
        const footprint = await instance.footprint();
        expect(footprint.processes).toBeGreaterThan(0);
        expect(footprint.rssBytes).toBeGreaterThan(10_000);
      },
      'footprint',
    );

    ready('a program that is not there is named, by the error or by the peer on standard error', async () => {
      const failure = await once(['/not-there']).then(
        ({ exit, stderr }) => (exit.code === 0 ? 'it ended with 0' : stderr),
        (error: Error) => error.message,
      );
      expect(failure).toContain('/not-there');
    });

    ready(
      'leaves nothing behind: after the end, a kill, and a cancel at any moment',
      async () => {
        await once(['/probe', 'hello']); // what is made once and kept (the launcher) is not a leftover
        const before = machineState();
        await once(['/probe', 'hello']);
        {
          await using prepared = await prepare(['/probe', 'sleep', '30']);
          await using _running = await prepared.start(AbortSignal.timeout(deadlineMs));
          expect(leftSince(before).processes, 'what could be left is seen while it runs').toBeDefined();
        }
        const moments = suite.inARow === undefined ? 12 : 3;
        for (let moment = 0; moment < moments; moment++) {
          await using prepared = await prepare(['/probe', 'sleep', '30'], { ready: 'exit' });
          const cancel = new AbortController();
          const started = prepared.start(cancel.signal);
          setTimeout(() => cancel.abort(new Error('cancelled')), moment * (deadlineMs / 2000));
          await expect(started).rejects.toThrow('cancelled');
        }
        expect(leftSince(before, cgroups)).toEqual({});
      },
      undefined,
      5,
    );

    ready(
      `${suite.inARow ?? 100} starts in a row all succeed`,
      async () => {
        await using prepared = await prepare(['/probe', 'hello']);
        for (let i = 0; i < (suite.inARow ?? 100); i++) {
          await using instance = await prepared.start(AbortSignal.timeout(deadlineMs));
          expect(await instance.wait()).toEqual({ code: 0 });
          expect(readFileSync(instance.stdoutPath, 'utf8')).toBe('hello\n');
        }
      },
      undefined,
      10,
    );
  });
}
