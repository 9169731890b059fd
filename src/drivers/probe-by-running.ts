/** A driver is ready when it has run something: the probe program, once, under a deadline. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, VlabError } from '../base/errors.js';
import { privateDir, runDir } from '../base/paths.js';
import type { Accel, Driver, Job, Support } from './driver.js';
import { probeRootfs } from './probe-rootfs.js';

export interface ProbeOptions {
  mend: string;
  version?: string;
  accel?: Accel;
  notes?: string[];
  options?: Record<string, unknown>;
  deadlineMs?: number;
}

/** Never throws: whatever goes wrong is what is missing. */
export async function probeByRunning(driver: Driver, options: ProbeOptions): Promise<Support> {
  try {
    const { dir } = await probeRootfs();
    const job: Job = {
      rootfs: dir,
      command: ['/probe', 'hello'],
      env: {},
      limits: {},
      ready: 'exit',
      scratchDir: join(privateDir(runDir()), 'trials'),
      options: options.options ?? {},
    };
    await using prepared = await driver.prepare(job);
    const deadline = AbortSignal.timeout(options.deadlineMs ?? 10_000);
    await using instance = await prepared.start(deadline);
    const exit = await instance.wait();
    const said = readFileSync(instance.stdoutPath, 'utf8');
    if (exit.code !== 0 || said !== 'hello\n') {
      const errors = readFileSync(instance.stderrPath, 'utf8').trim().split('\n').at(-1);
      throw new VlabError('host', `the probe ended with ${JSON.stringify(exit)}${errors ? `: ${errors}` : ''}`);
    }
    return { ready: true, version: options.version ?? '', accel: options.accel ?? '', notes: options.notes ?? [] };
  } catch (error) {
    const hint = error instanceof VlabError ? error.hint : undefined;
    return { ready: false, missing: messageOf(error), mend: hint ?? options.mend };
  }
}
