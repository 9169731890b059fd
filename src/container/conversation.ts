/**
 * How the performer of a plan (P), the process that it makes (C) and the caller's TypeScript talk: two pipes between P and C,
 * notes from P to the caller, answers back. Whoever dies closes its ends, and the other goes no further. Pure.
 */
import { flags } from '../sys/abi.js';
import { awaitAgreement, takeAnswer } from '../sys/agreement.js';
import { CHANNEL_FD, note } from '../sys/channel.js';
import { type Addr, label, type PlanBuilder, type Word } from '../sys/plan.js';
import type { HookState } from './steps/hook-steps.js';

export type Moment = 'born' | 'mounted' | 'started';
const NOTE_BYTES = 8;
const ERRNO_BYTES = 8;

/** What the notes of a plan tell, in their order. */
export function momentsOf(options: ConversationOptions): Moment[] {
  return [
    'born',
    ...(options.answersMounted ? (['mounted'] as const) : []),
    ...(options.waitsForStart ? [] : (['started'] as const)),
  ];
}

/** The pid of the container's first process, which every note carries. */
export function readPid(payload: Buffer): number {
  return payload.readUInt32LE(0);
}

export interface ConversationOptions {
  /** `born` is always answered, when the caller has made its record; with this C waits for that before it goes on at all. */
  answersBorn: boolean;
  answersMounted: boolean;
  /** C waits for another command, and P ends before the program runs. */
  waitsForStart: boolean;
  /** Lengths of the state texts in an answer to `born`; only with createContainer or startContainer hooks. */
  stateBytes?: { creating: number; created: number };
  /** Length of the container process state, which comes behind them; only when somebody is asked about system calls. */
  listenerBytes?: number;
  /**
   * C is reaped when it has failed; `reapFailed` is called behind all other steps. In the pid namespace of a running container its
   * parent would be the container's first process, which may reap nobody.
   */
  reaps?: boolean;
}

/** What the performer does for the child between the notes. */
export interface ParentSteps {
  /** First of all: with a go-between, the child is known only then. */
  adopt?: () => void;
  /** While the child waits for the answer to `born`. */
  outside?: () => void;
  /** When the child has told that its filter comes next. */
  takeListener?: (state: { text: Addr; bytes: number }) => void;
}

export interface Conversation {
  readonly pid: Word;
  readonly states: { creating: HookState; created: HookState } | undefined;
  /** The container's end of a pipe that closes when its program runs. */
  readonly outcome: Word;
  before(): void;
  leaveParentsEnds(): void;
  tellParent(why: string): void;
  awaitParent(why: string): void;
  /** C's last wait before it could outlive P and the caller: a record of it exists. */
  awaitRecord(): void;
  inParent(steps: ParentSteps): void;
  /** Takes the result of C's last step before its program, which is 0. A step of its own might be one that a filter forbids. */
  readonly mark: Word;
  /**
   * Fails when it could not be run, or C has died before; then the reply holds the errno, negative. `first`: steps before the
   * caller is told.
   */
  awaitProgram(first?: () => void): void;
  /** With `reaps`: where P goes when C has failed. `pidfd`: C's. */
  reapFailed(pidfd: Word): void;
}

/** Two pipes between P and C, notes from P to the caller, answers back. Whoever dies closes its ends, and the other goes no further. */
export function conversation(b: PlanBuilder, o: ConversationOptions): Conversation {
  const [toChild, toParent] = [b.space(8, 'toChild[2]'), b.space(8, 'toParent[2]')];
  const end = (pipe: typeof toChild, at: 0 | 1) => b.field(pipe, at * 4, 'w32', `${pipe.text.slice(0, -3)}[${at}]`);
  const byte = b.space(8, 'byte');
  const mark = b.word('mark', -1n);
  const { frame, frameBytes, payload } = note(b, NOTE_BYTES, 'note');
  const pid: Word = b.field(payload, 0, 'w32', 'pid');
  const states = o.stateBytes && {
    creating: { text: b.space(o.stateBytes.creating, 'state'), bytes: o.stateBytes.creating },
    created: { text: b.space(o.stateBytes.created, 'state'), bytes: o.stateBytes.created },
  };
  const listener =
    o.listenerBytes === undefined ? undefined : { text: b.space(o.listenerBytes, 'state'), bytes: o.listenerBytes };
  /** C has waited for an answer of the caller, and so for its record, before it comes to its last wait. */
  const waitsAnyway = o.answersBorn || o.answersMounted;
  const tell = (why: string) => b.step('write', [CHANNEL_FD, frame, frameBytes], why);
  const receive = (from: Word | number, why: string) =>
    b.step('read', [from, byte, 1], why, { accept: [1, 1], retryOnEintr: true });
  const failed = o.reaps ? label('it has failed') : undefined;
  /** What C tells P. */
  const hear = (why: string) => {
    if (!failed) receive(end(toParent, 0), why);
    else {
      const how = { accept: [0, 1] as const, retryOnEintr: true, jump: failed, jumpOn: 'zero' as const };
      b.step('read', [end(toParent, 0), byte, 1], why, how);
    }
  };
  return {
    pid,
    states,
    mark,
    outcome: end(toParent, 1),
    before() {
      b.step('pipe2', [toChild, flags('O_CLOEXEC')], "a way to the container's first process");
      b.step('pipe2', [toParent, flags('O_CLOEXEC')], 'and back');
    },
    leaveParentsEnds() {
      b.step('close', [end(toChild, 1)], "leave the parent's ends to it:");
      b.step('close', [end(toParent, 0)], 'when it dies, they close, and this goes no further');
      b.step('close', [CHANNEL_FD], 'and the way to the caller');
    },
    tellParent: (why) => b.step('write', [end(toParent, 1), b.str('.'), 1], why),
    awaitParent: (why) => receive(end(toChild, 0), why),
    awaitRecord() {
      if (o.waitsForStart || !waitsAnyway) receive(end(toChild, 0), 'go on only when the caller knows of it');
    },
    inParent({ adopt, outside, takeListener }) {
      const letGo = () => b.step('write', [end(toChild, 1), b.str('.'), 1], 'let it go on');
      // The other pipe's end for reading stays: a write to a process that has died meanwhile must not end this one.
      b.step('close', [end(toParent, 1)], 'when it dies, this end closes');
      adopt?.();
      tell('tell the caller its pid');
      awaitAgreement(b, "take the caller's answer", 'go on only when it has made its record');
      for (const { text, bytes } of [
        ...(states ? [states.creating, states.created] : []),
        ...(listener ? [listener] : []),
      ])
        takeAnswer(b, text, bytes, 'take the state, to be passed on');
      if (o.answersBorn) outside?.();
      if (o.answersBorn || !(o.waitsForStart || waitsAnyway)) letGo();
      if (o.answersMounted) {
        hear('wait until its file systems are mounted');
        tell('tell the caller');
        awaitAgreement(b, 'wait for the hooks that run outside', 'go on only when they have succeeded');
        letGo();
      }
      if (listener && takeListener) {
        hear('wait until its filter comes next');
        takeListener(listener);
        letGo();
      }
      hear('wait until it is ready');
      if (o.waitsForStart) letGo();
    },
    awaitProgram(first) {
      const errno = b.word('outcome');
      b.reply(errno, ERRNO_BYTES);
      b.step('read', [end(toParent, 0), b.addressOf(errno), ERRNO_BYTES], 'wait until its program runs', {
        accept: failed ? [0, ERRNO_BYTES] : [0, 0],
        retryOnEintr: true,
        ...(failed ? { jump: failed, jumpOn: 'positive' } : {}),
      });
      // The pipe closes at an exec, and also when the process dies before. Of no descriptors ppoll(2) tells nothing; of so many as
      // a negative number means it refuses to.
      b.step(
        'ppoll',
        [0, mark, b.data(new Uint8Array(16), '{0 s}'), 0, 8],
        'see that it came so far, and was not killed',
        {
          accept: [0, 0],
          ...(failed ? { tolerate: ['EINVAL'], jump: failed } : {}),
        },
      );
      first?.();
      tell('tell the caller that its program runs');
    },
    reapFailed(pidfd) {
      if (!failed) return;
      b.place(failed);
      const info = b.space(128, 'siginfo');
      b.step('waitid', [flags('P_PIDFD'), pidfd, info, flags('WEXITED'), 0], 'leave nothing of it', {
        retryOnEintr: true,
      });
      b.step('getpid', [], 'see its program run, which has ended before', { accept: [-1, -1] });
    },
  };
}
