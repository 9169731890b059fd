/** Plans that take their time, for tests of what happens meanwhile. */
import { flags, hostArch } from '../../../src/sys/abi.js';
import { attached } from '../../../src/sys/attached.js';
import { note } from '../../../src/sys/channel.js';
import { cloneProcess } from '../../../src/sys/clone.js';
import { type Addr, label, type Plan, PlanBuilder } from '../../../src/sys/plan.js';

export function nap(b: PlanBuilder, ms: number): void {
  const time = b.space(16, `{${ms} ms}`);
  b.put(time.offset, Math.floor(ms / 1000), 64);
  b.put(time.offset + 8, (ms % 1000) * 1_000_000, 64);
  b.step('clock_nanosleep', [flags('CLOCK_MONOTONIC'), 0, time, 0], 'wait', { retryOnEintr: true });
}

/** Sends `bytes` bytes from `from` of the image as a note. */
function tell(b: PlanBuilder, copy: (payload: Addr) => void, bytes: number): void {
  const { frame, frameBytes, payload } = note(b, bytes, 'note');
  copy(payload);
  b.step('write', [3, frame, frameBytes], 'tell');
}

/** Naps, and replies with its performer's pid. */
export function nappingPlan(ms: number): Plan {
  const b = new PlanBuilder(hostArch());
  const pid = b.word('pid');
  b.step('getpid', [], 'who am I', { result: pid });
  nap(b, ms);
  b.reply(pid, 8);
  return b.build();
}

/** Notes that it has begun, naps, then makes an empty file. */
export function lateFilePlan(ms: number, path: string): Plan {
  const b = new PlanBuilder(hostArch());
  tell(b, () => {}, 8);
  nap(b, ms);
  const create = flags('O_WRONLY', 'O_CREAT');
  b.step('openat', [flags('AT_FDCWD'), b.str(path), create, 0o600], 'make the file');
  return b.build();
}

/** Clones a child that sleeps for a minute, tied to its performer; notes the child's pid; waits for it. */
export function sleeperPlan(): Plan {
  const b = new PlanBuilder(hostArch());
  const parent = label('parent');
  const tie = attached(b);
  const { frame, frameBytes, payload } = note(b, 8, 'pid');
  tie.before();
  const cloned = cloneProcess(b, {
    namespaces: [],
    why: 'make a child',
    pid: { kind: 'w64', offset: payload.offset, text: 'pid' },
  });
  cloned.toParent(parent);
  tie.child();
  b.step('execve', [b.str('/bin/sleep'), b.stringArray(['sleep', '60'], 'argv'), 0], 'sleep');
  b.place(parent);
  b.step('write', [3, frame, frameBytes], 'tell the pid');
  const info = b.space(128, 'siginfo');
  b.step('waitid', [flags('P_PIDFD'), cloned.pidfd, info, flags('WEXITED'), 0], 'wait', { retryOnEintr: true });
  return b.build();
}
