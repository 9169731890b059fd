/**
 * A plan is a list of system calls with their arguments, worked out in TypeScript and performed by vlab-init. It is a
 * value: it can be printed, compared, golden-tested without root, and read line by line in a class. docs/plan-format.md
 * is its specification; encode.ts turns it into bytes.
 */
import { ARCHITECTURES, type Arch, type Errno, errnoNumber, type SyscallName } from './abi.js';
import { type Num, num } from './num.js';

/** The address of a byte of the image. */
export interface Addr {
  kind: 'addr';
  offset: number;
  text: string;
}
/** The value that a word of the image holds when the step runs: 32 bits (sign-extended) or 64. */
export interface Word {
  kind: 'w32' | 'w64';
  offset: number;
  text: string;
}
export type Arg = Num | Addr | Word;
export type ArgLike = Arg | number | bigint;

/** A place in the plan that earlier steps may jump to. Forwards only. */
export interface Label {
  name: string;
  index: number | undefined;
}

export interface Step {
  call: SyscallName;
  args: Arg[];
  /** Why this line is there, in a phrase; printed by --show-plan and by the error when it fails. */
  why: string;
  /** Accepted results, inclusive. Default 0 … 2^63-1: anything but an error. */
  accept: readonly [bigint, bigint];
  /** Errnos that are no failure: the step branches to `jump` (or goes on when there is none). */
  tolerate: Errno[];
  jump: Label | undefined;
  /** Branch also on a result above 0 (the parent's side of clone), or on exactly 0. */
  jumpOn: 'positive' | 'zero' | undefined;
  retryOnEintr: boolean;
  /** Where the result goes: an 8-byte word of the image. */
  result: Word | undefined;
  /** What a failure of this step means to the person, and how to mend it. */
  hint: string | undefined;
  /** What of the configuration asks for it, as a JSON path: `linux.resources.memory.limit`. */
  from?: string | undefined;
}

export interface StepOptions {
  accept?: readonly [number | bigint, number | bigint] | undefined;
  tolerate?: Errno[] | undefined;
  jump?: Label | undefined;
  jumpOn?: 'positive' | 'zero' | undefined;
  retryOnEintr?: boolean | undefined;
  result?: Word | undefined;
  hint?: string | undefined;
  from?: string | undefined;
}

export interface Plan {
  arch: Arch;
  steps: Step[];
  /** Initial contents of the writable image, starting at offset 0. */
  data: Uint8Array;
  /** Bytes of the image: at least data.length; the rest starts as zeros. */
  imageBytes: number;
  /** Offsets of 64-bit words of `data` that hold an image offset and become an address when the plan is loaded. */
  relocations: number[];
  /** The slice of the image that is sent back when the plan ends. */
  reply: { offset: number; bytes: number };
}

/** The greatest result that a system call can have. */
export const MAX_RESULT = (1n << 63n) - 1n;

/** What vlab-init takes at most (docs/plan-format.md). */
export const MAX_STEPS = 8192;
export const MAX_IMAGE_BYTES = 16 << 20;
export const MAX_RELOCATIONS = 65536;

/** A plan that is being built has outgrown what vlab-init takes; whoever feeds the builder without end is stopped here. */
export class PlanTooLarge extends RangeError {
  override readonly name = 'PlanTooLarge';
}

/** Enough for most: growing copies. */
const FIRST_BYTES = 16384;

export function label(name: string): Label {
  return { name, index: undefined };
}

/**
 * Builds a plan from top to bottom. Image data is placed as it is asked for; equal strings are stored once.
 * Errors: a malformed plan (a backward jump, a label that was never placed) throws at `build`: it is a bug of the caller.
 */
export class PlanBuilder {
  private readonly steps: Step[] = [];
  private bytes = new Uint8Array(FIRST_BYTES);
  private seen = new DataView(this.bytes.buffer);
  private used = 0;
  private readonly relocations: number[] = [];
  private readonly strings = new Map<string, Addr>();
  private replyRange = { offset: 0, bytes: 0 };

  constructor(readonly arch: Arch) {}

  /** Reserves zeroed bytes. */
  space(bytes: number, text: string, align = 8): Addr {
    const offset = Math.ceil(this.used / align) * align;
    this.used = offset + bytes;
    if (this.used > MAX_IMAGE_BYTES) throw new PlanTooLarge('the image of a plan has at most 16 MiB');
    if (this.used > this.bytes.length) {
      const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.used));
      larger.set(this.bytes);
      this.bytes = larger;
    }
    return { kind: 'addr', offset, text };
  }

  data(contents: Uint8Array, text: string, align = 8): Addr {
    const addr = this.space(contents.length, text, align);
    this.bytes.set(contents, addr.offset);
    return addr;
  }

  /** A NUL-terminated string. */
  str(value: string): Addr {
    const known = this.strings.get(value);
    if (known) return known;
    if (value.includes('\0')) throw new RangeError(`a string of a plan holds a NUL byte: ${JSON.stringify(value)}`);
    const addr = this.data(Buffer.from(`${value}\0`, 'utf8'), JSON.stringify(value), 1);
    this.strings.set(value, addr);
    return addr;
  }

  /** An 8-byte word that steps write their results to and later steps read. */
  word(name: string, initial: number | bigint = 0): Word {
    const addr = this.space(8, name);
    this.view().setBigInt64(addr.offset, BigInt(initial), true);
    return { kind: 'w64', offset: addr.offset, text: name };
  }

  /** The address of a word, for calls that fill it in (`&pidfd`). */
  addressOf(word: Word): Addr {
    return { kind: 'addr', offset: word.offset, text: `&${word.text}` };
  }

  /** A part of a structure as a word: what the kernel wrote at `addr + at`. */
  field(addr: Addr, at: number, width: 'w32' | 'w64', name: string): Word {
    return { kind: width, offset: addr.offset + at, text: name };
  }

  /** A NULL-terminated array of pointers (argv, envp). */
  pointers(targets: Addr[], text: string): Addr {
    const addr = this.space((targets.length + 1) * 8, text);
    targets.forEach((target, index) => {
      this.point(addr.offset + index * 8, target);
    });
    return addr;
  }

  stringArray(values: readonly string[], text: string): Addr {
    return this.pointers(
      values.map((value) => this.str(value)),
      text,
    );
  }

  /** Stores the address of `target` in the 64-bit word at image offset `at`. */
  point(at: number, target: Addr): void {
    this.view().setBigUint64(at, BigInt(target.offset), true);
    if (this.relocations.push(at) > MAX_RELOCATIONS) {
      throw new PlanTooLarge(`a plan has at most ${MAX_RELOCATIONS} addresses`);
    }
  }

  /** Writes an initial 32- or 64-bit value into reserved space. */
  put(at: number, value: number | bigint, width: 32 | 64): void {
    if (width === 32) this.view().setUint32(at, Number(BigInt.asUintN(32, BigInt(value))), true);
    else this.view().setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
  }

  /** Writes initial bytes into reserved space. */
  fill(at: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, at);
  }

  step(call: SyscallName, args: ArgLike[], why: string, options: StepOptions = {}): void {
    if (this.steps.length === MAX_STEPS) throw new PlanTooLarge(`a plan has at most ${MAX_STEPS} steps`);
    const { accept } = options;
    this.steps.push({
      call,
      args: args.map(asArg),
      why,
      accept: accept ? [BigInt(accept[0]), BigInt(accept[1])] : [0n, MAX_RESULT],
      tolerate: options.tolerate ?? NONE,
      jump: options.jump,
      jumpOn: options.jumpOn,
      retryOnEintr: options.retryOnEintr ?? false,
      result: options.result,
      hint: options.hint,
      from: options.from,
    });
  }

  /** Puts `target` here: jumps to it arrive at the next step. */
  place(target: Label): void {
    if (target.index !== undefined) throw new RangeError(`label ${target.name} is placed twice`);
    target.index = this.steps.length;
  }

  /** Declares what is sent back at the end: from `from`, `bytes` long. */
  reply(from: Addr | Word, bytes: number): void {
    this.replyRange = { offset: from.offset, bytes };
  }

  build(): Plan {
    const imageBytes = Math.max(8, Math.ceil(this.used / 8) * 8);
    const plan: Plan = {
      arch: this.arch,
      steps: this.steps,
      data: this.bytes.slice(0, Math.min(this.used, imageBytes)),
      imageBytes,
      relocations: this.relocations,
      reply: this.replyRange,
    };
    checkPlan(plan);
    return plan;
  }

  private view(): DataView {
    if (this.seen.buffer !== this.bytes.buffer) this.seen = new DataView(this.bytes.buffer);
    return this.seen;
  }
}

const NONE: Errno[] = [];
const asArg = (arg: ArgLike): Arg => (typeof arg === 'object' ? arg : num(arg));

/** Those that were checked as they are. */
const checkedPlans = new WeakSet<Plan>();

/** The rules that vlab-init checks again before its first step. Throws RangeError: a plan that breaks them is a bug. */
export function checkPlan(plan: Plan): void {
  if (checkedPlans.has(plan)) return;
  const { syscalls } = ARCHITECTURES[plan.arch];
  plan.steps.forEach((step, index) => {
    const here = () => `step ${index} (${step.call}: ${step.why})`; // only for a plan that is wrong: starts wait for this
    if (syscalls[step.call] === undefined) throw new RangeError(`${here()}: ${plan.arch} has no such call`);
    if (step.args.length > 6) throw new RangeError(`${here()}: more than six arguments`);
    if (step.tolerate.length > 6) throw new RangeError(`${here()}: more than six tolerated errnos`);
    for (const errno of step.tolerate) errnoNumber(errno);
    if (step.jump) {
      const target = step.jump.index;
      if (target === undefined) throw new RangeError(`${here()}: label ${step.jump.name} was never placed`);
      if (target <= index) throw new RangeError(`${here()}: jumps backwards to ${step.jump.name}`);
    } else if (step.jumpOn) throw new RangeError(`${here()}: jumpOn without a label`);
    for (const arg of step.args) {
      if (arg.kind === 'num') continue;
      const width = arg.kind === 'addr' ? 1 : arg.kind === 'w32' ? 4 : 8;
      const end = arg.offset + (arg.kind === 'addr' ? 0 : width);
      if (arg.offset < 0 || end > plan.imageBytes)
        throw new RangeError(`${here()}: an argument lies outside the image`);
      if (arg.offset % width !== 0) throw new RangeError(`${here()}: the word ${arg.text} is not aligned`);
    }
    if (step.result && (step.result.offset % 8 !== 0 || step.result.offset + 8 > plan.imageBytes)) {
      throw new RangeError(`${here()}: the result word lies outside the image or is not aligned`);
    }
  });
  const { offset, bytes } = plan.reply;
  if (offset < 0 || offset + bytes > plan.imageBytes) throw new RangeError('the reply lies outside the image');
  if (plan.data.length > plan.imageBytes) throw new RangeError('the data is longer than the image');
  plan.relocations.forEach((at) => {
    if (at % 8 !== 0 || at < 0 || at + 8 > plan.imageBytes) {
      throw new RangeError(`the address at ${at} lies outside the image or is not aligned`);
    }
  });
  if (new Set(plan.relocations).size < plan.relocations.length) throw new RangeError('an address is stored twice');
  checkedPlans.add(plan);
}
