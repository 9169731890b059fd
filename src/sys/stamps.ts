/**
 * The checkpoints of one start as a region of the image that is both the plan's note ("it is ready") and its reply:
 * pid, six times of CLOCK_MONOTONIC (struct timespec), and how the payload ended (siginfo of waitid(2)).
 */
import { flags } from './abi.js';
import { CHANNEL_FD, FRAME_BYTES, note } from './channel.js';
import type { Addr, PlanBuilder, Word } from './plan.js';

export const STAMP_NAMES = ['spawned', 'rooted', 'exec', 'firstByte', 'exited', 'clean'] as const;
export type StampName = (typeof STAMP_NAMES)[number];

const PID_AT = 0;
const STAMPS_AT = 16;
/** Where in the region it is. */
export const SIGINFO_AT = STAMPS_AT + STAMP_NAMES.length * 16;
const SIGINFO_BYTES = 128;
const BYTES = SIGINFO_AT + SIGINFO_BYTES;

/** What the region holds, read back. */
export interface Observed {
  pid: number;
  /** CLOCK_MONOTONIC ns; a checkpoint that was not passed is absent. */
  stamps: Partial<Record<StampName, bigint>>;
  /** Absent while it runs. */
  exit?: { code: number } | { signal: number };
}

/** The builder's half: adds the steps that fill the region. */
export class Stamps {
  private readonly frame: Addr;
  private readonly frameBytes: number;
  private readonly at: Addr;

  constructor(private readonly b: PlanBuilder) {
    const { frame, frameBytes, payload } = note(b, BYTES, 'observed');
    this.frame = frame;
    this.frameBytes = frameBytes;
    this.at = payload;
    b.reply(payload, BYTES);
  }

  /** Where the kernel writes the payload's pid (CLONE_PARENT_SETTID). */
  get pid(): Word {
    return { kind: 'w32', offset: this.at.offset + PID_AT, text: 'pid' };
  }

  /** Where the payload's siginfo_t belongs, for a plan that learns it otherwise than by waitid; 128 bytes. */
  get exit(): Addr {
    return { kind: 'addr', offset: this.at.offset + SIGINFO_AT, text: '&exit' };
  }

  stamp(name: StampName, why: string): void {
    const offset = this.at.offset + STAMPS_AT + STAMP_NAMES.indexOf(name) * 16;
    this.b.step('clock_gettime', [flags('CLOCK_MONOTONIC'), { kind: 'addr', offset, text: `&${name}` }], why);
  }

  /** Tells the client what is known so far. */
  send(why: string): void {
    this.b.step('write', [CHANNEL_FD, this.frame, this.frameBytes], why, { accept: [FRAME_BYTES, this.frameBytes] });
  }

  /** Waits for the payload's end, stamps it, and reaps it. */
  reapWhenDone(pidfd: Word): void {
    this.b.step('waitid', [flags('P_PIDFD'), pidfd, this.exit, flags('WEXITED'), 0], 'wait for its end and reap it', {
      retryOnEintr: true,
    });
    this.stamp('exited', 't6: it has ended');
  }
}

/** The reader's half: a note's payload or a plan's reply. */
export function readObserved(region: Buffer): Observed {
  const stamps: Observed['stamps'] = {};
  STAMP_NAMES.forEach((name, index) => {
    const at = STAMPS_AT + index * 16;
    const ns = region.readBigInt64LE(at) * 1_000_000_000n + region.readBigInt64LE(at + 8);
    if (ns > 0n) stamps[name] = ns;
  });
  const exit = readExit(region.subarray(SIGINFO_AT));
  return { pid: region.readInt32LE(PID_AT), stamps, ...(exit ? { exit } : {}) };
}

/** siginfo_t as waitid(2) fills it: si_signo at 0, si_code at 8, si_status at 24. */
function readExit(siginfo: Buffer): { code: number } | { signal: number } | undefined {
  const CLD_EXITED = 1;
  if (siginfo.readInt32LE(0) === 0) return undefined;
  const status = siginfo.readInt32LE(24);
  return siginfo.readInt32LE(8) === CLD_EXITED ? { code: status } : { signal: status };
}
