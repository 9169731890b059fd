/**
 * Steps that tie a child to its parent, so that nothing survives the one who asked for it. PR_SET_PDEATHSIG only works
 * from when it is set; a pipe whose only writer is the parent tells whether the parent was gone before that.
 */
import { ABI, flags } from './abi.js';
import { words32 } from './encode.js';
import type { Addr, PlanBuilder } from './plan.js';

export interface Attached {
  /** In the parent, before the clone. */
  before(): void;
  /** In the child, after its last change of credentials (which clears the death signal). */
  child(): void;
}

export function attached(b: PlanBuilder): Attached {
  const pipe = b.space(8, 'alive[2]');
  const writeEnd = b.field(pipe, 4, 'w32', 'alive[1]');
  return {
    before() {
      b.step('pipe2', [pipe, flags('O_CLOEXEC')], 'a pipe that only the parent keeps open for writing');
    },
    child() {
      // The two numbers that pipe2 wrote read as struct pollfd: descriptor alive[0], and some events, among which a
      // hang-up is always reported (poll(2)). Nobody writes to the pipe, so nothing else can be.
      const poll: Addr = { ...pipe, text: '{alive[0]}' };
      const zero = b.data(new Uint8Array(16), '{0 s}');
      b.step('prctl', [flags('PR_SET_PDEATHSIG'), flags('SIGKILL'), 0, 0, 0], 'die with the parent');
      b.step('close', [writeEnd], 'leave the pipe to the parent');
      b.step('ppoll', [poll, 1, zero, 0, 8], 'go on only while the parent lives', {
        accept: [0, 0],
        retryOnEintr: true,
        hint: 'the process that asked for this ended before it was started',
      });
    },
  };
}

/** The standard signal set-up of a program: nothing blocked (the performer may block signals, and exec keeps the mask). */
export function unblockSignals(b: PlanBuilder): void {
  const none = b.data(new Uint8Array(8), '{}');
  b.step('rt_sigprocmask', [flags('SIG_SETMASK'), none, 0, 8], 'block no signal');
}

/** Blocks the signals that a terminal or a supervisor sends, so that the performer outlives its payload's handling of them. */
export function blockSignals(b: PlanBuilder): void {
  const signals = [ABI.SIGHUP, ABI.SIGINT, ABI.SIGQUIT, ABI.SIGTERM, ABI.SIGPIPE, ABI.SIGWINCH];
  const mask = signals.reduce((bits, signal) => bits | (1 << (signal - 1)), 0);
  const set = b.data(words32(mask, 0), '{HUP, INT, QUIT, TERM, PIPE, WINCH}');
  b.step('rt_sigprocmask', [flags('SIG_BLOCK'), set, 0, 8], "leave the terminal's signals to the program");
}
