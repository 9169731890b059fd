/** The plan of `checkpoint`: criu, asked to dump. Pure. */

import type { Arch } from '../../sys/abi.js';
import { flags } from '../../sys/abi.js';
import { type Plan, PlanBuilder } from '../../sys/plan.js';
import { type CriuStepsOptions, criuSteps } from './criu-steps.js';

export interface DumpPlanOptions extends Pick<CriuStepsOptions, 'criu' | 'request' | 'imagesDir' | 'workDir'> {
  /** The performer's descriptor that is told when pages can be fetched (--status-fd). */
  statusFd?: number;
}

export function dumpPlan(arch: Arch, { statusFd, ...options }: DumpPlanOptions): Plan {
  const b = new PlanBuilder(arch);
  const ready = () => {
    const zero = b.data(new Uint8Array(8), '{0}');
    const how = { tolerate: ['EPIPE', 'EBADF'] as const };
    b.step('write', [statusFd ?? -1, zero, 1], 'tell that pages can be fetched', { tolerate: [...how.tolerate] });
    b.step('close', [statusFd ?? -1], 'and nothing more', { tolerate: ['EBADF'] });
  };
  if (statusFd !== undefined) {
    const ignore = b.data(new Uint8Array([1, ...new Array(31).fill(0)]), '{SIG_IGN}');
    b.step('rt_sigaction', [flags('SIGPIPE'), ignore, 0, 8], 'a reader that has gone is no failure');
  }
  criuSteps(b, { ...options, ...(statusFd === undefined ? {} : { errands: { ready } }) });
  return b.build();
}
