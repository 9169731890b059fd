/**
 * Runs criu as a child of the performer and carries its messages to the caller, who decides and answers. criu speaks first
 * only when it has been asked; then it tells of each stage that it reaches and waits, until it says how it went. The plan
 * only runs forwards, so its rounds are written out: more of them than criu has stages. Pure.
 */
import { directoryFlags, flags } from '../../sys/abi.js';
import { attached, unblockSignals } from '../../sys/attached.js';
import { CHANNEL_FD, note } from '../../sys/channel.js';
import { type Cloned, cloneProcess } from '../../sys/clone.js';
import { num } from '../../sys/num.js';
import { type Addr, type Label, label, type PlanBuilder, type Word } from '../../sys/plan.js';
import { descriptorMessage } from '../../sys/unix-socket.js';
import { type CriuRequest, encodeRequest, REQUEST_TYPES } from './criu-rpc.js';

/** How criu is run: the words before `swrk`, and its environment. */
export interface CriuCommand {
  argv: readonly string[];
  env: readonly string[];
}

/** The performer's descriptors of the two directories, by numbers that a request can name. */
export const IMAGES_FD = 110;
export const WORK_FD = 111;
/** criu's end of the socket, as with `criu swrk 3` of others. */
const SWRK_FD = 3;
/** More than a restore has stages (criu's action-scripts.h) with a few terminals. */
const ROUNDS = 24;
const MESSAGE_BYTES = 2040;

/** What the performer does for criu when the caller says so. */
export const ERRANDS = ['terminal', 'loopback', 'ready'] as const;
export type ErrandName = (typeof ERRANDS)[number];

/** One answer of the caller: whether criu goes on, which errands come first, and the restored process. */
export interface Answer {
  more: boolean;
  errands?: readonly ErrandName[];
  pid?: number;
}
const ANSWER_BYTES = 24;

export function encodeAnswer({ more, errands = [], pid = 0 }: Answer): Buffer {
  const bytes = Buffer.alloc(ANSWER_BYTES);
  bytes.writeUInt32LE(more ? 1 : 0, 0);
  for (const name of errands) bytes.writeUInt32LE(1, errandAt(name));
  bytes.writeUInt32LE(pid, PID_AT);
  return bytes;
}

const errandAt = (name: ErrandName) => 4 + ERRANDS.indexOf(name) * 4;
const PID_AT = 4 + ERRANDS.length * 4;

/** A message of criu as the performer's note carries it; undefined: criu has ended. */
export function messageIn(payload: Buffer): Buffer | undefined {
  const length = Number(payload.readBigInt64LE(0));
  return length > 0 ? payload.subarray(8, 8 + Math.min(length, MESSAGE_BYTES)) : undefined;
}

export interface CriuStepsOptions {
  criu: CriuCommand;
  request: CriuRequest;
  imagesDir: string;
  workDir?: string;
  /** Descriptors that criu gets by a number that the request names. */
  passed?: readonly { number: number; fd: Word | number }[];
  /** Prepares the clone into a cgroup, and joins others as criu's first steps. */
  cgroups?: { clonesInto: boolean; make(into: Word): void; join(): void };
  /** criu dies with the performer. Not at a dump: what it has stopped would stay so. */
  diesWithPerformer?: boolean;
  /** The steps of each errand that the caller may ask for. */
  errands?: Partial<Record<ErrandName, (asked: Asked) => void>>;
}

export interface Asked {
  /** What came with criu's message. */
  descriptor: Word;
  /** The pid that the caller's answer names. */
  pid: Word;
}

export interface CriuSteps {
  /** The pid that the last answer named. */
  pid: Word;
}

/** Behind these steps criu has ended. Their notes are criu's messages (`messageIn`), each to be answered (`encodeAnswer`). */
export function criuSteps(b: PlanBuilder, o: CriuStepsOptions): CriuSteps {
  const sockets = b.space(8, 'sockets[2]');
  const [ours, theirs] = [b.field(sockets, 0, 'w32', 'sockets[0]'), b.field(sockets, 4, 'w32', 'sockets[1]')];
  const parent = label('criu runs');
  holdDirectory(b, o.imagesDir, IMAGES_FD, 'where the image is');
  if (o.workDir !== undefined) holdDirectory(b, o.workDir, WORK_FD, 'where criu works');
  b.step(
    'socketpair',
    [flags('AF_UNIX'), flags('SOCK_SEQPACKET', 'SOCK_CLOEXEC'), 0, sockets],
    'a way to criu, one message at a time',
  );
  const cloned = cloneProcess(b, {
    namespaces: [],
    borrowsMemory: true,
    intoCgroup: o.cgroups?.clonesInto ?? false,
    why: 'create a process for criu',
  });
  o.cgroups?.make(cloned.cgroup);
  const tie = o.diesWithPerformer ? attached(b) : undefined;
  tie?.before();
  cloned.toParent(parent);
  tie?.child();
  becomeCriu(b, o, theirs);
  b.place(parent);
  b.step('close', [theirs], 'leave that end to criu: when it ends, the way closes');
  return converse(b, o, ours, cloned);
}

function holdDirectory(b: PlanBuilder, path: string, number: number, what: string): void {
  const directory = b.word('directory');
  const how = directoryFlags(b.arch, 'O_RDONLY', 'O_CLOEXEC');
  b.step('openat', [flags('AT_FDCWD'), b.str(path), how], `open the directory ${what}`, { result: directory });
  b.step('dup3', [directory, number, flags('O_CLOEXEC')], 'by a number that the request names');
}

function becomeCriu(b: PlanBuilder, { criu, cgroups, passed = [] }: CriuStepsOptions, socket: Word): void {
  cgroups?.join();
  unblockSignals(b);
  b.step('dup3', [socket, SWRK_FD, 0], "criu's end of the way, where it looks for it");
  b.step('close_range', [SWRK_FD + 1, num(0xffffffff, '~0'), num(4, 'CLOSE_RANGE_CLOEXEC')], 'hand nothing else on');
  for (const { number, fd } of passed) b.step('dup3', [fd, number, 0], `but this, as ${number}`);
  const [path = ''] = criu.argv;
  const argv = b.stringArray([...criu.argv, 'swrk', String(SWRK_FD)], 'argv');
  b.step('execve', [b.str(path), argv, b.stringArray(criu.env, 'envp')], 'run criu');
}

function converse(b: PlanBuilder, o: CriuStepsOptions, socket: Word, { pidfd }: Cloned): CriuSteps {
  const { frame, frameBytes, payload } = note(b, 8 + MESSAGE_BYTES, 'message');
  const length = b.field(payload, 0, 'w64', 'length');
  const text = { ...payload, offset: payload.offset + 8 };
  const answer = b.space(ANSWER_BYTES, 'answer');
  const unused = b.space(8, 'unused');
  const done = label('that was all');
  const send = (request: CriuRequest, why: string) => {
    const bytes = encodeRequest(request);
    b.step('sendto', [socket, b.data(bytes, why), bytes.length, flags('MSG_NOSIGNAL'), 0, 0], why, {
      tolerate: ['EPIPE', 'ECONNRESET'], // it has ended, which the next message tells
    });
  };
  const pid = b.field(answer, PID_AT, 'w32', 'pid');
  const goOn: CriuRequest = { type: REQUEST_TYPES.NOTIFY, notify_success: true };
  send(o.request, 'ask criu');
  for (let round = 1; round <= ROUNDS; round++) {
    const { message, descriptor } = descriptorMessage(b, { text, bytes: MESSAGE_BYTES, shown: '{message}' });
    b.step('recvmsg', [socket, message, flags('MSG_CMSG_CLOEXEC')], 'wait for its message', {
      result: length,
      tolerate: ['ECONNRESET'],
      retryOnEintr: true,
    });
    b.step('write', [CHANNEL_FD, frame, frameBytes], 'pass it on to the caller');
    b.step(
      'recvfrom',
      [CHANNEL_FD, answer, ANSWER_BYTES, flags('MSG_WAITALL'), 0, 0],
      'wait for what the caller says',
      {
        accept: [ANSWER_BYTES, ANSWER_BYTES],
        retryOnEintr: true,
      },
    );
    for (const name of ERRANDS) {
      const errand = o.errands?.[name];
      if (!errand) continue;
      const passed = label(`no ${name}`);
      unlessZero(b, b.field(answer, errandAt(name), 'w32', name), unused, passed, `is there something to do: ${name}`);
      errand({ descriptor: { ...descriptor, kind: 'w32' }, pid });
      b.place(passed);
    }
    unlessZero(b, b.field(answer, 0, 'w32', 'more'), unused, done, 'does criu go on?');
    send(goOn, 'let it go on');
  }
  b.step('getpid', [], `end the conversation: criu has more than ${ROUNDS} stages`, { accept: [0, 0] });
  b.place(done);
  b.step('close', [socket], 'criu ends, whatever it was about');
  const info = b.space(128, 'siginfo');
  b.step('waitid', [flags('P_PIDFD'), pidfd, info, flags('WEXITED'), 0], 'reap criu', { retryOnEintr: true });
  return { pid };
}

/** getrandom(2) returns how many bytes it was asked for: 0 or 1 here. */
function unlessZero(b: PlanBuilder, word: Word, unused: Addr, to: Label, why: string): void {
  b.step('getrandom', [unused, word, 0], why, { jump: to, jumpOn: 'zero' });
}
