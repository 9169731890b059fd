/**
 * A plan of very many small calls, written as bytes while they are decided (docs/plan-format.md): what a list of steps would
 * cost to make and to encode is more than what the calls themselves cost. It has no jumps.
 */
import { ARCHITECTURES, type Arch, type Errno, errnoName, errnoNumber, type SyscallName } from './abi.js';
import { HEAD_BYTES, PLAN_MAGIC, STEP_BYTES } from './encode.js';
import { MAX_IMAGE_BYTES, MAX_STEPS } from './plan.js';

/** The address of an image byte, or the word that lies there. */
export interface Place {
  kind: 'address' | 'word';
  offset: number;
}
export type Operand = number | Place;

export interface CallOptions {
  /** The word that takes the result. */
  result?: Place;
  /** The only accepted result; otherwise all but errors are. */
  exactly?: number;
  tolerate?: readonly Errno[];
}

/** Words at the beginning of the image: for results that later calls use, and that are sent back. */
export const BATCH_WORDS = 64;
/** Content from here on is sent from where it lies; less is cheaper to copy. */
const COPIED_BYTES = 16384;
const SMALL_BYTES = 65536;

export class CallBatch {
  private steps: Buffer;
  private count = 0;
  /** Bytes of the image so far. */
  private offset = BATCH_WORDS * 8;
  private readonly parts: Buffer[] = [];
  private small = Buffer.alloc(BATCH_WORDS * 8 + SMALL_BYTES);
  private smallFrom = 0;
  private smallUsed = BATCH_WORDS * 8;
  private readonly calls: { name: SyscallName; about: string }[] = [];
  /** What the calls that follow are for: names them in errors. */
  about = '';

  constructor(
    private readonly arch: Arch,
    private readonly version: bigint,
    mostSteps = 2048,
  ) {
    this.steps = Buffer.alloc(mostSteps * STEP_BYTES);
  }

  get stepCount(): number {
    return this.count;
  }

  get imageBytes(): number {
    return this.smallFrom + this.smallUsed;
  }

  /** One of the words at the beginning. */
  word(index: number): Place {
    return { kind: 'word', offset: index * 8 };
  }

  address(offset: number): Place {
    return { kind: 'address', offset };
  }

  /** A NUL-terminated string of bytes. */
  name(bytes: string): Place {
    const at = this.room(bytes.length + 1, 1);
    this.small.write(bytes, at, 'latin1');
    this.small[at + bytes.length] = 0;
    return this.address(this.smallFrom + at);
  }

  /** 64-bit words, each of a whole number that a double holds. */
  words(...values: number[]): Place {
    const at = this.room(values.length * 8, 8);
    values.forEach((value, index) => {
      putWord(this.small, at + index * 8, value);
    });
    return this.address(this.smallFrom + at);
  }

  /** Zeroed bytes for the kernel to write into. */
  space(bytes: number): Place {
    const at = this.room(bytes, 8);
    this.small.fill(0, at, at + bytes);
    return this.address(this.smallFrom + at);
  }

  /** Bytes as they are; they must not change until the batch is sent. */
  bytes(content: Uint8Array): Place {
    if (content.length < COPIED_BYTES) {
      const at = this.room(content.length, 1);
      this.small.set(content, at);
      return this.address(this.smallFrom + at);
    }
    this.endSmall();
    const place = this.address(this.offset);
    this.parts.push(Buffer.from(content.buffer, content.byteOffset, content.byteLength));
    this.offset += content.length;
    const padding = -this.offset & 7; // words behind it are aligned
    if (padding > 0) this.parts.push(PADDING.subarray(0, padding));
    this.offset += padding;
    this.beginSmall(SMALL_BYTES);
    return place;
  }

  call(name: SyscallName, operands: readonly Operand[], options?: CallOptions): void {
    if (this.count === MAX_STEPS) throw new RangeError(`a plan has at most ${MAX_STEPS} steps`);
    const at = this.count * STEP_BYTES;
    if (at === this.steps.length) this.steps = Buffer.concat([this.steps, Buffer.alloc(this.steps.length)]);
    const { steps } = this;
    steps.writeUInt32LE(ARCHITECTURES[this.arch].syscalls[name], at);
    for (let index = 0; index < operands.length; index++) {
      const operand = operands[index] as Operand;
      if (typeof operand === 'number') putWord(steps, at + 16 + index * 8, operand);
      else {
        steps[at + 8 + index] = operand.kind === 'address' ? 1 : 3;
        steps.writeUInt32LE(operand.offset, at + 16 + index * 8);
      }
    }
    putWord(steps, at + 64, options?.exactly ?? 0);
    if (options?.exactly !== undefined) putWord(steps, at + 72, options.exactly);
    else {
      steps.writeUInt32LE(0xffffffff, at + 72);
      steps.writeUInt32LE(0x7fffffff, at + 76);
    }
    steps.writeUInt32LE(options?.result?.offset ?? 0xffffffff, at + 80);
    options?.tolerate?.forEach((errno, index) => {
      steps.writeUInt16LE(errnoNumber(errno), at + 84 + index * 2);
    });
    this.calls.push({ name, about: this.about });
    this.count++;
  }

  /** The whole message; `reply`: the part of the image that is sent back. The batch takes nothing more. */
  message(reply: { offset: number; bytes: number } = { offset: 0, bytes: 0 }): Buffer[] {
    this.endSmall();
    const image = Math.ceil(this.offset / 8) * 8;
    if (image > MAX_IMAGE_BYTES) throw new RangeError('the image of a plan has at most 16 MiB');
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt32LE(PLAN_MAGIC, 0);
    head.writeUInt32LE(ARCHITECTURES[this.arch].machine, 4);
    head.writeBigUInt64LE(this.version, 8);
    [this.count, image, this.offset, 0, reply.offset, reply.bytes].forEach((value, index) => {
      head.writeUInt32LE(value, 16 + index * 4);
    });
    return [head, this.steps.subarray(0, this.count * STEP_BYTES), ...this.parts];
  }

  /** Which call a failure names, what it was for, and why it failed. */
  explain({ step, result }: { step: number; result: number }): {
    call: string;
    about: string;
    errno: string | undefined;
  } {
    const { name = 'call', about = '' } = this.calls[step] ?? {};
    return { call: name, about, errno: result < 0 ? errnoName(-result) : undefined };
  }

  private room(bytes: number, align: number): number {
    let at = Math.ceil(this.smallUsed / align) * align;
    if (at + bytes > this.small.length) {
      this.endSmall();
      const padding = -this.offset & 7;
      if (padding > 0) this.parts.push(PADDING.subarray(0, padding));
      this.offset += padding;
      this.beginSmall(Math.max(SMALL_BYTES, bytes));
      at = 0;
    }
    this.smallUsed = at + bytes;
    return at;
  }

  private beginSmall(bytes: number): void {
    this.small = Buffer.allocUnsafe(bytes);
    this.smallFrom = this.offset;
    this.smallUsed = 0;
  }

  private endSmall(): void {
    if (this.smallUsed === 0) return;
    this.parts.push(this.small.subarray(0, this.smallUsed));
    this.offset = this.smallFrom + this.smallUsed;
    this.smallFrom = this.offset;
    this.small = this.small.subarray(this.smallUsed);
    this.smallUsed = 0;
  }
}

const PADDING = Buffer.alloc(8);

function putWord(bytes: Buffer, at: number, value: number): void {
  const high = Math.floor(value / 2 ** 32);
  bytes.writeUInt32LE(value - high * 2 ** 32, at);
  bytes.writeInt32LE(high, at + 4);
}
