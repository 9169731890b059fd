/** What a performer says in the name of its command: texts to standard output and error, and the exit code. Pure. */
import { ABI, type Arch, flags } from '../sys/abi.js';
import { words32 } from '../sys/encode.js';
import { num } from '../sys/num.js';
import { MAX_RESULT, type Plan, PlanBuilder } from '../sys/plan.js';

/** What a pipe takes at least without a reader, on every machine (PIPE_BUF of limits.h is one page); far more than most say. */
export const SHORT_BYTES = 4096;

/**
 * The last plan of a command that has little to say (SHORT_BYTES): nothing comes back, so nobody would see how much of a longer
 * text a reader has taken.
 */
export function finishPlan(arch: Arch, outcome: { exitCode: number; stdout?: string; stderr?: string }): Plan {
  const b = new PlanBuilder(arch);
  const texts = [
    [1, outcome.stdout],
    [2, outcome.stderr],
  ] as const;
  ignorePipeSignal(b);
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

/** A part of a longer text, when the reader has room. The reply is 8 bytes: how many of them it took, or a negative errno. */
export function sayPlan(arch: Arch, descriptor: number, part: Uint8Array): Plan {
  const b = new PlanBuilder(arch);
  const written = b.word('written');
  const poll = b.data(words32(descriptor, ABI.POLLOUT), '{POLLOUT}');
  ignorePipeSignal(b);
  b.step('ppoll', [poll, 1, 0, 0, 8], 'wait until there is room', { retryOnEintr: true });
  b.step('write', [descriptor, b.data(part, `${part.length} bytes of text`), part.length], 'say a part', {
    result: written,
    accept: [-4095, MAX_RESULT],
    retryOnEintr: true,
  });
  b.reply(written, 8);
  return b.build();
}

function ignorePipeSignal(b: PlanBuilder): void {
  const ignore = b.data(new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0, ...new Array(24).fill(0)]), '{SIG_IGN}');
  b.step('rt_sigaction', [flags('SIGPIPE'), ignore, 0, 8], 'a reader that has gone is no failure');
}
