/**
 * The channel between a client and a performer: the plan goes one way, frames come back (docs/plan-format.md).
 * The same for a one-shot vlab-init, whose descriptor 3 it is, and for the launcher's socket.
 */
import { type Blame, VlabError } from '../base/errors.js';
import { errnoName } from './abi.js';
import { encodeLastWord, encodePlan } from './encode.js';
import type { Addr, Plan, PlanBuilder } from './plan.js';
import { showCall, showResult } from './show.js';

export const FRAME_BYTES = 40;
/** The performer's end of the channel. */
export const CHANNEL_FD = 3;
const NOTE = 1;
const ENDED = 2;
const REJECTED = 3;
const REFUSED = 4;

/** A plan that ran to its end, or to its first failure. */
export interface Performed {
  /** CLOCK_MONOTONIC ns when the request had arrived, and when the plan ended. */
  receivedNs: bigint;
  endedNs: bigint;
  /** The slice of the image that the plan declared as its reply. */
  reply: Buffer;
  failure: PlanFailure | undefined;
}

/** A step failed. It names itself: the call, its arguments, its purpose, and what to do. */
export class PlanFailure extends VlabError {
  override readonly name = 'PlanFailure';
  constructor(
    readonly plan: Plan,
    readonly index: number,
    readonly result: bigint,
  ) {
    const step = plan.steps[index];
    const what = step ? `${showCall(step)}: ${showResult(result)}` : showResult(result);
    const asked = step?.from === undefined ? '' : `config.json: ${step.from}: `;
    const blame = step?.from === undefined ? 'operation' : blameFor(result);
    super(blame, `${asked}could not ${step?.why ?? 'perform the plan'}: step ${index}, ${what}`, {
      hint: step?.hint ?? 'run the same command with --show-plan to see the steps that lead here',
    });
  }

  /** The errno's name (`ENOENT`), or undefined when the result was no error but not accepted. */
  get errno(): string | undefined {
    return this.result < 0n ? errnoName(Number(-this.result)) : undefined;
  }
}

/** Who is to blame when the kernel refuses what a configuration asks for: the wish, or the machine that cannot fulfil it. */
function blameFor(result: bigint): Blame {
  const errno = errnoName(Number(-result));
  return ['EINVAL', 'ERANGE', 'E2BIG', 'ENAMETOOLONG', 'EOVERFLOW'].includes(errno) ? 'input' : 'host';
}

export interface Performance {
  /**
   * Called with the payload of each note that the plan sends (see `note`). Set it before awaiting anything. What it throws ends
   * the performance: `ended` rejects with it.
   */
  onNote: ((payload: Buffer) => void) | undefined;
  /** Never rejects for a failed step (see `failure`); rejects when the performer is lost or refuses. */
  readonly ended: Promise<Performed>;
  /** Sends bytes that a step of the plan reads from descriptor 3. */
  answer(bytes: Uint8Array): void;
  /**
   * Hangs up: an attached plan and all it started die. Resolves when the performer is gone and nothing more can be started;
   * what it did start was told to die, which takes a moment.
   */
  cancel(): Promise<void>;
  /** Hangs up and lets the plan run on by itself (launcher only). */
  detach(): void;
  /** Hangs up and waits for nobody. */
  hangUp(): void;
}

/** Reserves a note: a frame of `bytes` payload that a later `write(CHANNEL_FD, frame, …)` step sends to the client. */
export function note(
  builder: PlanBuilder,
  bytes: number,
  name: string,
): { frame: Addr; frameBytes: number; payload: Addr } {
  const frame = builder.space(FRAME_BYTES + bytes, name);
  builder.put(frame.offset, NOTE, 32);
  builder.put(frame.offset + 4, bytes, 32);
  const payload: Addr = { kind: 'addr', offset: frame.offset + FRAME_BYTES, text: name };
  return { frame, frameBytes: FRAME_BYTES + bytes, payload };
}

/** What a channel needs of its socket; those of node:net have it. */
export interface ChannelStream {
  readonly destroyed: boolean;
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  once(event: 'close', listener: () => void): unknown;
  write(bytes: Uint8Array): unknown;
  /** What is written between the two goes out in one piece. */
  cork?(): unknown;
  uncork?(): unknown;
  /** The other side sees the end, behind these bytes. */
  end(): unknown;
  end(bytes: Uint8Array): unknown;
  destroy(): unknown;
}

/** The end of a plan that was sent as bytes: the failed step, if one failed, and what it returned. */
export interface Exchanged {
  failure: { step: number; result: number } | undefined;
  reply: Buffer;
}

/** Sends the plan and reads what comes back; hangs up at its end. */
export function perform(socket: ChannelStream, plan: Plan, version: bigint): Performance {
  const channel = new Channel(socket, version);
  const performance = channel.perform(plan);
  const hangUp = () => socket.destroy();
  performance.ended.then(hangUp, hangUp);
  return performance;
}

interface Turn {
  take(frame: Buffer): void;
  lose(error: VlabError): void;
}

/** A connection to a performer that takes one plan after another. */
export class Channel {
  private pending: Buffer = Buffer.alloc(0);
  /** Plans that have not ended, in the order in which they were sent. */
  private readonly turns: Turn[] = [];
  private gone: VlabError | undefined;

  constructor(
    private readonly socket: ChannelStream,
    private readonly version: bigint,
  ) {
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('error', (error) => this.lost(error));
    socket.on('close', () => this.lost());
  }

  /** A plan that is sent before the one before it has ended waits for that in the socket. */
  perform(plan: Plan): Performance {
    let settled = false;
    const performance: Performance = {
      onNote: undefined,
      ended: new Promise((resolve, reject) => {
        const finish = (act: () => void) => {
          const at = this.turns.indexOf(turn);
          if (at >= 0) this.turns.splice(at, 1);
          if (settled) return;
          settled = true;
          act();
        };
        const turn: Turn = { take: () => {}, lose: (error) => finish(() => reject(error)) };
        turn.take = (frame) => {
          const type = frame.readUInt32LE(0);
          const step = frame.readInt32LE(8);
          const reason = frame.readInt32LE(12);
          if (type === NOTE) {
            try {
              performance.onNote?.(frame.subarray(FRAME_BYTES));
            } catch (error) {
              finish(() => reject(error as Error));
              void this.cancel();
            }
          }
          if (type === ENDED) finish(() => resolve(performedFrom(plan, frame)));
          else if (type === REJECTED) finish(() => reject(rejection(step)));
          else if (type === REFUSED) finish(() => reject(refusal(reason)));
          else if (type !== NOTE)
            finish(() => reject(new VlabError('operation', `the performer sent a frame of unknown type ${type}`)));
        };
        this.turns.push(turn);
        if (this.gone) turn.lose(this.gone);
      }),
      answer: (bytes) => void this.socket.write(bytes),
      cancel: () => this.cancel(),
      detach: () => {
        settled = true;
        this.socket.end(Buffer.from('d'));
      },
      hangUp: () => void this.socket.destroy(),
    };
    performance.ended.catch(() => {}); // a caller that cancels need not wait
    this.socket.write(encodePlan(plan, this.version));
    return performance;
  }

  /** As `perform`, for a plan that is bytes already (call-batch.ts) and sends no notes. Rejects when the performer is lost or refuses. */
  exchange(message: readonly Uint8Array[]): Promise<Exchanged> {
    const ended = new Promise<Exchanged>((resolve, reject) => {
      const turn: Turn = {
        lose: reject,
        take: (frame) => {
          this.turns.shift();
          const [type, step, reason] = [frame.readUInt32LE(0), frame.readInt32LE(8), frame.readInt32LE(12)];
          const result = Number(frame.readBigInt64LE(16));
          if (type === REJECTED) reject(rejection(step));
          else if (type === REFUSED) reject(refusal(reason));
          else resolve({ failure: step < 0 ? undefined : { step, result }, reply: frame.subarray(FRAME_BYTES) });
        },
      };
      this.turns.push(turn);
      if (this.gone) reject(this.gone);
    });
    this.socket.cork?.();
    for (const part of message) this.socket.write(part);
    this.socket.uncork?.();
    return ended;
  }

  /** With a last word the performer ends with that exit code; without one it takes this client for killed. */
  hangUp(exitCode?: number): void {
    if (exitCode === undefined) this.socket.destroy();
    else this.socket.end(encodeLastWord(exitCode));
  }

  private cancel(): Promise<void> {
    const { socket } = this;
    if (socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      socket.once('close', () => resolve());
      socket.end(); // the other side closes its end when the performer is gone
    });
  }

  private receive(chunk: Buffer): void {
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    while (this.pending.length >= FRAME_BYTES) {
      const bytes = FRAME_BYTES + this.pending.readUInt32LE(4);
      if (this.pending.length < bytes) break;
      const frame = this.pending.subarray(0, bytes);
      this.pending = this.pending.subarray(bytes);
      this.turns[0]?.take(frame);
    }
  }

  private lost(cause?: Error): void {
    this.gone = lost(cause);
    for (const turn of [...this.turns]) turn.lose(this.gone);
  }
}

function performedFrom(plan: Plan, frame: Buffer): Performed {
  const step = frame.readInt32LE(8);
  return {
    receivedNs: frame.readBigUInt64LE(24),
    endedNs: frame.readBigUInt64LE(32),
    reply: Buffer.from(frame.subarray(FRAME_BYTES)),
    failure: step < 0 ? undefined : new PlanFailure(plan, step, frame.readBigInt64LE(16)),
  };
}

function rejection(step: number): VlabError {
  const where = step < 0 ? 'its head, its version or its length' : `step ${step}`;
  return new VlabError('operation', `vlab-init rejected the plan before its first step: ${where} is malformed`, {
    hint: 'this is a fault of vlab: please report the output of the same command with --show-plan --json',
  });
}

function refusal(errno: number): VlabError {
  const name = errnoName(errno);
  return new VlabError('host', `the launcher refused the request: ${name}`, {
    hint:
      name === 'EPERM'
        ? 'call vlab as the same user and in the same namespaces as the launcher, or stop it with `vlab clean`'
        : 'too many jobs or too little memory: wait until some end',
  });
}

function lost(cause?: Error): VlabError {
  return new VlabError('operation', 'the performer ended without an answer: it was killed, or its client hung up', {
    cause,
    hint: 'look for an out-of-memory kill in the kernel log, then run the command again',
  });
}
