/**
 * The performer's last steps when its caller waits for the program: signals are passed on, the end is told, and the
 * performer ends as the program did. Nothing is run for it while no signal comes; with a terminal, or from the first signal
 * on, vlab-relay takes over, since a plan only runs forwards. Pure.
 */
import { ABI, flags } from '../sys/abi.js';
import { CHANNEL_FD, note } from '../sys/channel.js';
import { words32, words64 } from '../sys/encode.js';
import { num } from '../sys/num.js';
import { label, type PlanBuilder, type Word } from '../sys/plan.js';

const SIGINFO_BYTES = 128;
const SIGINFO_SIGNO_AT = 0;

/** How a program ended: its exit code, or 128 and the signal's number. `siginfo` as waitid(2) fills it. */
export function exitCodeOf(siginfo: Buffer): number {
  const status = siginfo.readInt32LE(24);
  return siginfo.readInt32LE(8) === ABI.CLD_EXITED ? status : 128 + status;
}

/** Before the clone: every signal waits, until it is passed on. Their mask is lifted in the child. */
export function holdSignals(b: PlanBuilder): { signals: Word } {
  const signals = b.word('signals');
  const kept = [ABI.SIGCHLD, 9 /* KILL */, 19 /* STOP */, 11 /* SEGV */, 7 /* BUS */, 8 /* FPE */, 4 /* ILL */];
  const mask = kept.reduce((bits, signal) => bits & ~(1n << BigInt(signal - 1)), (1n << 64n) - 1n);
  const set = b.data(words64(mask), '{all but CHLD}');
  b.step('rt_sigprocmask', [flags('SIG_SETMASK'), set, 0, 8], 'let signals wait until they are passed on');
  b.step('signalfd4', [num(-1n, '-1'), set, 8, flags('O_CLOEXEC')], 'a descriptor that tells of them', {
    result: signals,
  });
  return { signals };
}

export interface ForegroundOptions {
  relayPath: string;
  /** A terminal's other side, which the relay carries bytes from and to. */
  terminal?: Word;
}

/**
 * Behind the moment `started`. The note that comes next is a siginfo of 128 bytes; it is answered with the exit code, 4
 * bytes, when everything is cleaned up.
 */
export function foregroundSteps(
  b: PlanBuilder,
  child: { pidfd: Word },
  signals: Word,
  options: ForegroundOptions,
): void {
  const ended = label('it has ended');
  const { frame, frameBytes, payload } = note(b, SIGINFO_BYTES, 'siginfo');
  if (!options.terminal) {
    const poll = b.data(words32(PIDFD, ABI.POLLIN, SIGNALS_FD, ABI.POLLIN), '{its end, a signal}');
    b.step('dup3', [child.pidfd, PIDFD, flags('O_CLOEXEC')], 'the program, by a number known beforehand');
    b.step('dup3', [signals, SIGNALS_FD, flags('O_CLOEXEC')], 'the signals too');
    b.step('ppoll', [poll, 2, 0, 0, 8], 'wait for its end or for a signal', { retryOnEintr: true });
    const look = flags('WEXITED', 'WNOHANG', 'WNOWAIT');
    b.step('waitid', [flags('P_PIDFD'), child.pidfd, payload, look, 0], 'look which of them it was', {
      retryOnEintr: true,
    });
    const signo = b.field(payload, SIGINFO_SIGNO_AT, 'w32', 'si_signo');
    b.step('getrandom', [b.space(SIGINFO_BYTES, 'unused'), signo, 0], 'an end has a number here', {
      jump: ended,
      jumpOn: 'positive',
    });
  }
  becomeRelay(b, child.pidfd, signals, options);
  b.place(ended);
  b.step('waitid', [flags('P_PIDFD'), child.pidfd, payload, flags('WEXITED'), 0], 'reap it', { retryOnEintr: true });
  b.step('write', [CHANNEL_FD, frame, frameBytes], 'tell the caller how it ended');
  const code = b.space(8, 'code');
  b.step('recvfrom', [CHANNEL_FD, code, 4, flags('MSG_WAITALL'), 0, 0], 'wait until everything is cleaned up', {
    accept: [4, 4],
    retryOnEintr: true,
  });
  b.step('exit_group', [b.field(code, 0, 'w32', 'code')], 'end as the program did');
}

/** Where vlab-relay looks for them; the terminal is behind the channel, as it is for an attached run. */
const PIDFD = 60;
const SIGNALS_FD = 61;
const TERMINAL_FD = 62;

function becomeRelay(b: PlanBuilder, pidfd: Word, signals: Word, { relayPath, terminal }: ForegroundOptions): void {
  b.step('dup3', [pidfd, PIDFD, 0], 'the program, where the relay looks for it');
  b.step('dup3', [signals, SIGNALS_FD, 0], 'the signals');
  if (terminal) b.step('dup3', [terminal, TERMINAL_FD, 0], 'the terminal');
  b.step('fcntl', [CHANNEL_FD, flags('F_SETFD'), 0], 'and the way to the caller');
  b.step('close_range', [4, PIDFD - 1, 0], 'nothing between');
  b.step('close_range', [TERMINAL_FD + (terminal ? 1 : 0), num(0xffffffff, '~0'), 0], 'and nothing behind');
  const argv = b.stringArray(['vlab-relay', terminal ? 'terminal' : 'signals'], 'argv');
  b.step('execve', [b.str(relayPath), argv, b.stringArray([], 'envp')], 'pass signals on, and carry the terminal');
}
