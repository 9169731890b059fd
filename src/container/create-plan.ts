/**
 * The plan of `create` and of `run` (runtime.md, "Lifecycle"): a container whose parent goes away. The performer (P) makes
 * the container's first process (C) and talks with the caller's TypeScript over the channel:
 *
 *   born     C exists; its pid is in the note. With `answersBorn` the answer lets it go on: id maps are written meanwhile.
 *   mounted  its file systems are mounted, and the old root is still there (with `answersMounted`): runtime hooks run now.
 *   created  C waits for `start`: the plan of `create` ends here.
 *   started  (`run`) the program runs; what follows is the caller's business.
 *
 * An answer is one byte; the one to `born` is the state texts, where hooks inside the container read them. Pure.
 */
import { VlabError } from '../base/errors.js';
import { ABI, flags } from '../sys/abi.js';
import { unblockSignals } from '../sys/attached.js';
import { CHANNEL_FD, note } from '../sys/channel.js';
import { num } from '../sys/num.js';
import { label, type Plan, PlanBuilder, type Word } from '../sys/plan.js';
import { type ContainerSteps, compileContainer } from './compile.js';
import type { OciConfig } from './config/schema.js';
import { foregroundSteps, holdSignals } from './foreground-steps.js';
import type { Situation } from './situation.js';
import { type HookState, hookSteps } from './steps/hook-steps.js';
import { findProgram } from './steps/program-steps.js';
import { openTerminal, terminalPair } from './steps/terminal-steps.js';

export type Moment = 'born' | 'mounted' | 'started';
const NOTE_BYTES = 8;

/** What the notes of a plan tell, in their order. */
export function momentsOf(options: Pick<CreateOptions, 'answersMounted' | 'fifos'>): Moment[] {
  return [
    'born',
    ...(options.answersMounted ? (['mounted'] as const) : []),
    ...(options.fifos ? [] : (['started'] as const)),
  ];
}

/** The pid of the container's first process, which every note carries. */
export function readPid(payload: Buffer): number {
  return payload.readUInt32LE(0);
}

export interface CreateOptions {
  /** `create`: a FIFO that `start` writes a byte to, and one that it reads the outcome from. Absent for `run`. */
  fifos?: { start: string; outcome: string };
  /** Who takes the terminal: a socket's path (`--console-socket`). */
  consoleSocket?: string;
  /** The performer waits for the program, and its caller's terminal is the program's (`run` without `--detach`). */
  foreground?: { relayPath: string };
  /** Descriptors of the caller that the program gets: as `number`; the performer has them as `at`. */
  preserved: readonly { number: number; at: number }[];
  /** Descriptors 0, 1 and 2 that the container's user must own, to open them again by /proc/self/fd. */
  ownedStdio: readonly number[];
  answersBorn: boolean;
  answersMounted: boolean;
  /** Lengths of the state texts in an answer to `born`; only with createContainer or startContainer hooks. */
  stateBytes?: { creating: number; created: number };
}

export interface CreatePlan {
  plan: Plan;
  container: ContainerSteps;
}

/** Errors: those of compileContainer. */
export function createPlan(config: OciConfig, situation: Situation, options: CreateOptions): CreatePlan {
  const b = new PlanBuilder(situation.arch);
  const container = compileContainer(b, config, situation);
  const { foreground } = options;
  const parent = label('parent');
  const talk = conversation(b, options);
  const fifos = options.fifos && openFifos(b, options.fifos);
  const console = options.consoleSocket === undefined ? undefined : connectConsole(b, options.consoleSocket);
  const pair = config.process.terminal && foreground && !console ? terminalPair(b) : undefined;
  const held = foreground && holdSignals(b);
  talk.before();
  pair?.before();
  const cloned = container.create(talk.pid);
  cloned.toParent(parent);
  inContainer(b, config, container, talk, { ...options, fifos, terminal: console ?? pair?.childEnd });

  b.place(parent);
  talk.inParent();
  if (!fifos) talk.awaitProgram();
  if (foreground && held) {
    const terminal = pair?.receive();
    foregroundSteps(b, cloned, held.signals, { ...foreground, ...(terminal ? { terminal } : {}) });
  }
  return { plan: b.build(), container };
}

interface InContainer extends Omit<CreateOptions, 'fifos'> {
  fifos: { start: Word; outcome: Word } | undefined;
  /** Where a terminal's other side is sent. */
  terminal: Word | undefined;
}

function inContainer(b: PlanBuilder, config: OciConfig, container: ContainerSteps, talk: Conversation, o: InContainer) {
  const { hooks = {} } = config;
  b.step('setsid', [], 'a session of its own');
  talk.leaveParentsEnds();
  if (o.answersBorn) talk.awaitParent('wait until the caller has done its part');
  container.enter({
    mounted: () => {
      if (o.answersMounted) {
        talk.tellParent('the file systems are mounted');
        talk.awaitParent('wait for the hooks that run outside');
      }
      if (hooks.createContainer && talk.states)
        hookSteps(b, 'createContainer', hooks.createContainer, talk.states.creating);
    },
    rooted: () => {},
  });
  if (o.terminal) {
    const size = config.process.consoleSize;
    openTerminal(b, { pts: container.pts(), dev: container.dev(), socket: o.terminal, ...(size ? { size } : {}) });
    b.step('close', [o.terminal], 'the receiver has the terminal');
  }
  const { uid } = config.process.user;
  for (const std of uid === 0 ? [] : o.terminal ? [0] : o.ownedStdio) {
    b.step(
      'fchownat',
      [std, b.str(''), uid, num(-1n, '-1'), flags('AT_EMPTY_PATH')],
      `give descriptor ${std} to user ${uid}`,
      {
        tolerate: ['EPERM', 'EINVAL', 'EROFS', 'EACCES'],
      },
    );
  }
  unblockSignals(b);
  container.drop();
  if (config.process.args.length > 0) findProgram(b, config);
  talk.tellParent('everything is ready');
  if (o.fifos) {
    talk.awaitParent('wait until the parent has seen it');
    b.step('read', [o.fifos.start, b.space(8, 'byte'), 1], 'wait for `start`', { accept: [1, 1], retryOnEintr: true });
  }
  if (hooks.startContainer && talk.states) hookSteps(b, 'startContainer', hooks.startContainer, talk.states.created);
  for (const { number, at } of o.preserved) {
    if (number !== at) b.step('dup3', [at, number, 0], `pass descriptor ${number} on`);
  }
  const first = 3 + o.preserved.length;
  b.step('close_range', [first, num(0xffffffff, '~0'), num(4, 'CLOSE_RANGE_CLOEXEC')], 'hand no other descriptor on');
  container.exec(o.fifos?.outcome ?? talk.outcome);
}

interface Conversation {
  readonly pid: Word;
  readonly states: { creating: HookState; created: HookState } | undefined;
  /** The container's end of a pipe that closes when its program runs. */
  readonly outcome: Word;
  before(): void;
  leaveParentsEnds(): void;
  tellParent(why: string): void;
  awaitParent(why: string): void;
  inParent(): void;
  awaitProgram(): void;
}

/** Two pipes between P and C, notes from P to the caller, answers back. Whoever dies closes its ends, and the other goes no further. */
function conversation(b: PlanBuilder, o: CreateOptions): Conversation {
  const [toChild, toParent] = [b.space(8, 'toChild[2]'), b.space(8, 'toParent[2]')];
  const end = (pipe: typeof toChild, at: 0 | 1) => b.field(pipe, at * 4, 'w32', `${pipe.text.slice(0, -3)}[${at}]`);
  const byte = b.space(8, 'byte');
  const { frame, frameBytes, payload } = note(b, NOTE_BYTES, 'note');
  const pid: Word = b.field(payload, 0, 'w32', 'pid');
  const states = o.stateBytes && {
    creating: { text: b.space(o.stateBytes.creating, 'state'), bytes: o.stateBytes.creating },
    created: { text: b.space(o.stateBytes.created, 'state'), bytes: o.stateBytes.created },
  };
  const tell = (why: string) => b.step('write', [CHANNEL_FD, frame, frameBytes], why);
  const receive = (from: Word | number, why: string) =>
    b.step('read', [from, byte, 1], why, { accept: [1, 1], retryOnEintr: true });
  return {
    pid,
    states,
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
    inParent() {
      const letGo = () => b.step('write', [end(toChild, 1), b.str('.'), 1], 'let it go on');
      b.step('close', [end(toChild, 0)], 'leave those ends to it');
      b.step('close', [end(toParent, 1)], 'when it dies, they close');
      tell('tell the caller its pid');
      if (o.answersBorn) {
        for (const state of states ? [states.creating, states.created] : [{ text: byte, bytes: 1 }]) {
          b.step(
            'recvfrom',
            [CHANNEL_FD, state.text, state.bytes, flags('MSG_WAITALL'), 0, 0],
            "take the caller's answer",
            {
              accept: [state.bytes, state.bytes],
              retryOnEintr: true,
            },
          );
        }
        letGo();
      }
      if (o.answersMounted) {
        receive(end(toParent, 0), 'wait until its file systems are mounted');
        tell('tell the caller');
        receive(CHANNEL_FD, 'wait for the hooks that run outside');
        letGo();
      }
      receive(end(toParent, 0), 'wait until it is ready');
      if (o.fifos) letGo();
    },
    awaitProgram() {
      const errno = b.word('outcome');
      b.step('read', [end(toParent, 0), b.addressOf(errno), 8], 'wait until its program runs', {
        accept: [0, 0],
        retryOnEintr: true,
      });
      tell('tell the caller that its program runs');
    },
  };
}

/** Held by both sides without an end, so that neither waits for the other to open them (fifo(7)). */
function openFifos(b: PlanBuilder, paths: { start: string; outcome: string }): { start: Word; outcome: Word } {
  const open = (path: string, name: string) => {
    const fd = b.word(name);
    b.step('mknodat', [flags('AT_FDCWD'), b.str(path), num(ABI.S_IFIFO | 0o600, 'p600'), 0], `make the FIFO ${name}`);
    b.step('openat', [flags('AT_FDCWD'), b.str(path), flags('O_RDWR', 'O_CLOEXEC')], 'open both its ends', {
      result: fd,
    });
    return fd;
  };
  return { start: open(paths.start, 'start'), outcome: open(paths.outcome, 'outcome') };
}

/** sockaddr_un of unix(7). */
const SUN_PATH_BYTES = 108;

function connectConsole(b: PlanBuilder, path: string): Word {
  if (Buffer.byteLength(path) >= SUN_PATH_BYTES) {
    throw new VlabError('input', `the path of the console socket is longer than ${SUN_PATH_BYTES - 1} bytes: ${path}`);
  }
  const socket = b.word('console');
  const address = b.space(2 + SUN_PATH_BYTES, `{${path}}`);
  b.put(address.offset, ABI.AF_UNIX, 32);
  b.fill(address.offset + 2, Buffer.from(path));
  b.step('socket', [flags('AF_UNIX'), flags('SOCK_STREAM', 'SOCK_CLOEXEC'), 0], 'a way to who takes the terminal', {
    result: socket,
  });
  b.step('connect', [socket, address, 2 + SUN_PATH_BYTES], `connect to ${path}`, {
    hint: 'the caller must listen at the path that it gives to --console-socket',
  });
  return socket;
}
