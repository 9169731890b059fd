/** Plan → bytes, as docs/plan-format.md specifies and vlab-init.c reads them. Pure. */
import { ARCHITECTURES, errnoNumber } from './abi.js';
import { type Arg, checkPlan, MAX_IMAGE_BYTES, MAX_RELOCATIONS, MAX_STEPS, type Plan, type Step } from './plan.js';

export { MAX_IMAGE_BYTES, MAX_RELOCATIONS, MAX_STEPS };
export const PLAN_MAGIC = 0x31504c56; // "VLP1"
export const LAST_WORD_MAGIC = 0x30504c56; // "VLP0"
export const HEAD_BYTES = 40;
export const STEP_BYTES = 96;
export const MAX_REPLY_BYTES = 65536;
const KINDS: Record<Arg['kind'], number> = { num: 0, addr: 1, w32: 2, w64: 3 };
const RETRY = 1;
const JUMP_POSITIVE = 2;
const JUMP_ZERO = 4;
const NO_RESULT = 0xffffffff;

/** `version`: the digest of the vlab-init source that shall perform it (see native.ts). Throws RangeError past a limit. */
export function encodePlan(plan: Plan, version: bigint): Uint8Array {
  checkPlan(plan);
  if (plan.steps.length === 0 || plan.steps.length > MAX_STEPS) {
    throw new RangeError(`a plan has 1 to ${MAX_STEPS} steps, this one ${plan.steps.length}`);
  }
  if (plan.imageBytes > MAX_IMAGE_BYTES) throw new RangeError(`the image of a plan has at most 16 MiB`);
  if (plan.reply.bytes > MAX_REPLY_BYTES) throw new RangeError(`a plan replies with at most 64 KiB`);
  if (plan.relocations.length > MAX_RELOCATIONS)
    throw new RangeError(`a plan has at most ${MAX_RELOCATIONS} addresses`);
  const relocations = [...plan.relocations].sort((a, b) => a - b);
  const stepsAt = HEAD_BYTES;
  const relocationsAt = stepsAt + plan.steps.length * STEP_BYTES;
  const dataAt = relocationsAt + Math.ceil((relocations.length * 4) / 8) * 8;
  const bytes = new Uint8Array(dataAt + plan.data.length);
  const view = new DataView(bytes.buffer);
  const { machine, syscalls } = ARCHITECTURES[plan.arch];
  view.setUint32(0, PLAN_MAGIC, true);
  view.setUint32(4, machine, true);
  view.setBigUint64(8, version, true);
  [
    plan.steps.length,
    plan.imageBytes,
    plan.data.length,
    relocations.length,
    plan.reply.offset,
    plan.reply.bytes,
  ].forEach((value, index) => {
    view.setUint32(16 + index * 4, value, true);
  });
  plan.steps.forEach((step, index) => {
    encodeStep(view, stepsAt + index * STEP_BYTES, step, syscalls[step.call]);
  });
  relocations.forEach((offset, index) => {
    view.setUint32(relocationsAt + index * 4, offset, true);
  });
  bytes.set(plan.data, dataAt);
  return bytes;
}

/** What a client leaves behind its last plan, so that a one-shot performer ends with this code. */
export function encodeLastWord(exitCode: number): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, LAST_WORD_MAGIC, true);
  view.setUint32(4, exitCode, true);
  return bytes;
}

function encodeStep(view: DataView, at: number, step: Step, number: number): void {
  const flags =
    (step.retryOnEintr ? RETRY : 0) |
    (step.jumpOn === 'positive' ? JUMP_POSITIVE : 0) |
    (step.jumpOn === 'zero' ? JUMP_ZERO : 0);
  view.setUint32(at, number, true);
  view.setUint16(at + 4, flags, true);
  view.setUint16(at + 6, step.jump?.index ?? 0, true);
  step.args.forEach((arg, index) => {
    view.setUint8(at + 8 + index, KINDS[arg.kind]);
    if (arg.kind === 'num') view.setBigInt64(at + 16 + index * 8, arg.value, true);
    else view.setUint32(at + 16 + index * 8, arg.offset, true); // an image has no 4 GiB
  });
  view.setBigInt64(at + 64, step.accept[0], true);
  view.setBigInt64(at + 72, step.accept[1], true);
  view.setUint32(at + 80, step.result?.offset ?? NO_RESULT, true);
  step.tolerate.forEach((errno, index) => {
    view.setUint16(at + 84 + index * 2, errnoNumber(errno), true);
  });
}

/** Little-endian 64-bit words, the shape of most kernel structures. */
export function words64(...values: (number | bigint)[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 8);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    view.setBigUint64(index * 8, BigInt.asUintN(64, BigInt(value)), true);
  });
  return bytes;
}

/** Little-endian 32-bit words. */
export function words32(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    view.setUint32(index * 4, value >>> 0, true);
  });
  return bytes;
}
