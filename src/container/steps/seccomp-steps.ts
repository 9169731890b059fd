/** A system-call filter as steps (seccomp(2); config-linux.md, "Seccomp"). Pure. */
import { type AbiName, flags } from '../../sys/abi.js';
import { words64 } from '../../sys/encode.js';
import { num } from '../../sys/num.js';
import type { Addr, PlanBuilder, Word } from '../../sys/plan.js';
import { connectUnix, descriptorMessage, SUN_PATH_BYTES } from '../../sys/unix-socket.js';
import { configError } from '../config/parse-config.js';
import type { OciSeccomp } from '../config/schema.js';
import { INSTRUCTION_BYTES } from '../seccomp/classic-bpf.js';
import { notifies } from '../seccomp/profile.js';
import type { SeccompFilter } from '../seccomp/seccomp-filter.js';
import { showToUser } from './guard-steps.js';

export interface SeccompSteps {
  /** Somebody is asked about system calls: the parent must take the listener, and the child must wait for that. */
  notifies: boolean;
  /** In the parent, before the clone: connects to who is asked. */
  before(): void;
  /**
   * In the child: from here on the filter decides. `handOver`: how it waits until the parent has sent the listener; it may only
   * read, which is the one call that is never asked about.
   */
  install(handOver?: () => void, done?: Word): void;
  /**
   * In the parent, after the child has told that the filter comes next: takes the listener and sends it with the container
   * process state (`state`: its bytes are JSON). Then the child may go on.
   */
  takeListener(pidfd: Word, state: { text: Addr; bytes: number }): void;
}

export const SECCOMP_FLAGS = [
  'SECCOMP_FILTER_FLAG_TSYNC',
  'SECCOMP_FILTER_FLAG_LOG',
  'SECCOMP_FILTER_FLAG_SPEC_ALLOW',
  'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV',
] as const satisfies AbiName[];

/** `ofUser`: it is the first process of an ordinary user's new user namespace. Errors: `input` with the JSON path. */
export function seccompSteps(b: PlanBuilder, profile: OciSeccomp, filter: SeccompFilter, ofUser = false): SeccompSteps {
  const asks = notifies(profile);
  const wanted = flagsOf(profile, asks);
  const from = 'linux.seccomp.listenerPath';
  if (asks && Buffer.byteLength(profile.listenerPath ?? '') >= SUN_PATH_BYTES) {
    throw configError(from, `is longer than the ${SUN_PATH_BYTES - 1} bytes that a socket's path has`);
  }
  const listener = b.word('listener', NOT_YET);
  let socket: Word | undefined;
  return {
    notifies: asks,
    before() {
      if (asks) socket = connectUnix(b, profile.listenerPath ?? '', 'who is asked about system calls', { from });
    },
    install(handOver, done) {
      // Who is asked knows by its end that the message is whole.
      if (socket) b.step('close', [socket], 'leave that to the parent');
      if (asks && ofUser) showToUser(b);
      const count = filter.program.length / INSTRUCTION_BYTES;
      const program = b.space(16, `{${count} instructions}`);
      b.put(program.offset, count, 32);
      b.point(program.offset + 8, b.data(filter.program, 'instructions'));
      const operation = flags('SECCOMP_SET_MODE_FILTER');
      b.step('seccomp', [operation, wanted, program], 'let the filter decide about system calls', {
        ...(asks ? { result: listener } : done ? { result: done } : {}),
        from: 'linux.seccomp',
        hint: 'this kernel may not know one of the flags or actions: `vlab-oci features` tells',
      });
      if (!asks) return;
      handOver?.();
      // Calls fail when nobody is left who could answer, unless it holds the listener itself. Whatever the filter says of it.
      b.step('close', [{ ...listener, kind: 'w32' }], 'let go of the listener', { accept: [-MAX_ERRNO, 0] });
    },
    takeListener(pidfd, state) {
      if (!socket) throw new RangeError('the filter asks nobody');
      awaitListener(b, listener);
      const { message, descriptor } = descriptorMessage(b, { ...state, shown: '{state, listener}' });
      b.step('pidfd_getfd', [pidfd, { ...listener, kind: 'w32' }, 0], "take the filter's listener", {
        result: descriptor,
        from: 'linux.seccomp',
      });
      b.step('sendmsg', [socket, message, flags('MSG_NOSIGNAL')], 'send it to who is asked', {
        from,
        accept: [1, 1n << 31n],
      });
      b.step('close', [{ ...descriptor, kind: 'w32' }], 'who has it now');
      b.step('close', [socket], 'and needs no more of this');
    },
  };
}

function flagsOf({ flags: names = [] }: OciSeccomp, asks: boolean) {
  names.forEach((name, index) => {
    if (!(SECCOMP_FLAGS as readonly string[]).includes(name)) {
      throw configError(`linux.seccomp.flags[${index}]`, `is no flag of seccomp(2): ${name}`);
    }
  });
  const all = [...(names as (typeof SECCOMP_FLAGS)[number][])] as AbiName[];
  if (asks) all.push('SECCOMP_FILTER_FLAG_NEW_LISTENER');
  // Both answer by their result: the kernel wants to know which (seccomp(2), TSYNC_ESRCH).
  if (asks && names.includes('SECCOMP_FILTER_FLAG_TSYNC')) all.push('SECCOMP_FILTER_FLAG_TSYNC_ESRCH');
  return all.length > 0 ? flags(...all) : num(0);
}

/** The greatest errno that the kernel returns. */
const MAX_ERRNO = 4095;
/** No descriptor, and no errno. */
const NOT_YET = 0x7fffffff;
const FIRST_WAIT_NS = 100_000;
const WAITS = 15;

/**
 * The child tells nobody that its filter is there, since any call that it makes might be one that it has to ask about: what
 * seccomp(2) returned appears in the image. Nobody wakes the waiting either: it looks again after longer and longer times,
 * 3 s in all, and goes on at once when there is something (futex(2)).
 */
function awaitListener(b: PlanBuilder, listener: Word): void {
  for (let wait = 0, ns = FIRST_WAIT_NS; wait < WAITS; wait++, ns *= 2) {
    const time = b.data(words64(Math.floor(ns / 1e9), ns % 1e9), `{${ns / 1e6} ms}`);
    b.step('futex', [b.addressOf(listener), flags('FUTEX_WAIT'), num(NOT_YET), time, 0, 0], 'wait for the filter', {
      tolerate: ['EAGAIN', 'ETIMEDOUT'],
      retryOnEintr: true,
    });
  }
}
