/** The last plan of a command whose performer speaks for it: texts to standard output and error, then the exit code. Pure. */
import { type Arch, flags } from '../sys/abi.js';
import { num } from '../sys/num.js';
import { type Plan, PlanBuilder } from '../sys/plan.js';

export function finishPlan(arch: Arch, outcome: { exitCode: number; stdout?: string; stderr?: string }): Plan {
  const b = new PlanBuilder(arch);
  const texts = [
    [1, outcome.stdout],
    [2, outcome.stderr],
  ] as const;
  const ignore = b.data(new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0, ...new Array(24).fill(0)]), '{SIG_IGN}');
  b.step('rt_sigaction', [flags('SIGPIPE'), ignore, 0, 8], 'a reader that has gone is no failure');
  for (const [descriptor, text] of texts) {
    if (!text) continue;
    const bytes = Buffer.from(text);
    b.step('write', [descriptor, b.data(bytes, `${bytes.length} bytes of text`), bytes.length], 'say it', {
      tolerate: ['EPIPE', 'EBADF', 'EIO', 'ENOSPC'],
      retryOnEintr: true,
    });
  }
  b.step('exit_group', [num(outcome.exitCode)], 'end');
  return b.build();
}
