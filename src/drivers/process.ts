/** The baseline: the same program as a bare process of the host, started by the same performer. */
import { join } from 'node:path';
import { hostArch } from '../sys/abi.js';
import type { Driver, Job } from './driver.js';
import { launched } from './launched.js';
import { execHost, type ObserveOptions, observedPlan } from './observe.js';
import { probeByRunning } from './probe-by-running.js';

function plan(job: Job, command: readonly string[], files: ObserveOptions) {
  const path = join(job.rootfs, command[0] ?? '');
  return observedPlan(hostArch(), (b) => ({ exec: () => execHost(b, path, command, job.env) }), files);
}

export const driver: Driver = {
  name: 'process',
  boundary: 'none',
  summary: 'an ordinary process of the host: nothing stands between it and the kernel',
  probe: () => probeByRunning(driver, { mend: 'install a C compiler, so that vlab-init can be built' }),
  prepare: (job) =>
    launched({
      job,
      compile: (_id, files) => ({
        plan: plan(job, job.command, files),
        execPlan: (_pid, command, more) => plan(job, command, more),
      }),
    }),
};
