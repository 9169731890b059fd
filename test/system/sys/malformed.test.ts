// Every way in which a plan can be malformed: it is rejected whole, before its first step. Needs a C compiler; no root.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { flags, hostArch } from '../../../src/sys/abi.js';
import { encodeLastWord, encodePlan } from '../../../src/sys/encode.js';
import { initVersion } from '../../../src/sys/native.js';
import { PlanBuilder } from '../../../src/sys/plan.js';
import { ENDED, performBytes, REJECTED } from './raw-channel.js';

const folder = mkdtempSync(join(tmpdir(), 'vlab-malformed-'));
const mark = join(folder, 'performed');
beforeEach(() => rmSync(mark, { force: true }));
afterAll(() => rmSync(folder, { recursive: true }));

/** Three steps, of which the first leaves a mark; two relocations. */
function goodPlan(): Buffer {
  const b = new PlanBuilder(hostArch());
  const result = b.word('result');
  b.step('openat', [flags('AT_FDCWD'), b.str(mark), flags('O_CREAT', 'O_WRONLY'), 0o600], 'leave a mark', { result });
  b.step('getpid', [b.stringArray(['one', 'two'], 'pointers')], 'nothing');
  b.step('getpid', [], 'nothing');
  b.reply(result, 8);
  return Buffer.from(encodePlan(b.build(), initVersion()));
}

const good = goodPlan();
const imageBytes = good.readUInt32LE(20);
const dataBytes = good.readUInt32LE(24);
const stepAt = (index: number) => 40 + index * 96;
const relocationsAt = stepAt(3);
const dataAt = relocationsAt + 8;
const LAST = 2;

type Change = (plan: Buffer) => void;
const u32 =
  (at: number, value: number): Change =>
  (plan) =>
    plan.writeUInt32LE(value >>> 0, at);
const u16 =
  (at: number, value: number): Change =>
  (plan) =>
    plan.writeUInt16LE(value, at);
const u8 =
  (at: number, value: number): Change =>
  (plan) =>
    plan.writeUInt8(value, at);
/** Argument `index` of the last step. */
const argument =
  (kind: number, value: bigint, index = 0): Change =>
  (plan) => {
    plan.writeUInt8(kind, stepAt(LAST) + 8 + index);
    plan.writeBigUInt64LE(value, stepAt(LAST) + 16 + index * 8);
  };
const both =
  (...changes: Change[]): Change =>
  (plan) => {
    for (const change of changes) change(plan);
  };

const HEAD: Record<string, Change> = {
  'another magic': u32(0, 0x31504c57),
  'another machine': u32(4, 40),
  'another version': u8(8, (good[8] ?? 0) ^ 1),
  'no steps': u32(16, 0),
  'too many steps': u32(16, 8193),
  'as many steps as fit into 32 bits': u32(16, 0xffffffff),
  'no image': u32(20, 0),
  'an image that is no multiple of 8': u32(20, imageBytes + 4),
  'too large an image': u32(20, (16 << 20) + 8),
  'more data than image': u32(24, imageBytes + 1),
  'data of 4 GiB': u32(24, 0xffffffff),
  'too many relocations': u32(28, 65537),
  'a reply behind the image': u32(32, imageBytes - 7),
  'a reply whose end wraps around': both(u32(32, 0xfffffff8), u32(36, 16)),
  'too large a reply': both(u32(20, 1 << 20), u32(36, 65537)),
};

const STEP: Record<string, Change> = {
  'an unknown flag': u16(stepAt(LAST) + 4, 8),
  'all flags at once and more': u16(stepAt(LAST) + 4, 0xffff),
  'a jump to itself': u16(stepAt(LAST) + 6, LAST),
  'a jump backwards': u16(stepAt(LAST) + 6, 1),
  'a jump behind the end': u16(stepAt(LAST) + 6, LAST + 2),
  'a branch on above 0 without a jump': u16(stepAt(LAST) + 4, 2),
  'a branch on 0 without a jump': u16(stepAt(LAST) + 4, 4),
  'an unknown kind of argument': argument(4, 0n),
  'an unknown kind of the sixth argument': argument(255, 0n, 5),
  'a kind for a seventh argument': u8(stepAt(LAST) + 14, 1),
  'a kind for an eighth argument': u8(stepAt(LAST) + 15, 1),
  'an address behind the image': argument(1, BigInt(imageBytes) + 1n),
  'an address before the image': argument(1, 0xffff_ffff_ffff_fff8n),
  'a 32-bit word behind the image': argument(2, BigInt(imageBytes)),
  'a 32-bit word that is not aligned': argument(2, 2n),
  'a 64-bit word behind the image': argument(3, BigInt(imageBytes)),
  'a 64-bit word before the image': argument(3, 0xffff_ffff_ffff_fff8n),
  'a 64-bit word that is not aligned': argument(3, 4n),
  'a result that is not aligned': u32(stepAt(LAST) + 80, 4),
  'a result behind the image': u32(stepAt(LAST) + 80, imageBytes),
  'a result before the image': u32(stepAt(LAST) + 80, -8),
  'a result of -2, which is not "none"': u32(stepAt(LAST) + 80, -2),
};

const RELOCATION: Record<string, Change> = {
  'a relocation that is not aligned': u32(relocationsAt, 4),
  'a relocation behind the image': u32(relocationsAt + 4, imageBytes),
  'a relocation that is there twice': (plan) => plan.writeUInt32LE(plan.readUInt32LE(relocationsAt), relocationsAt + 4),
  'relocations out of order': (plan) => {
    const [first, second] = [plan.readUInt32LE(relocationsAt), plan.readUInt32LE(relocationsAt + 4)];
    plan.writeUInt32LE(second, relocationsAt);
    plan.writeUInt32LE(first, relocationsAt + 4);
  },
  'a pointer behind the image': (plan) =>
    plan.writeBigUInt64LE(BigInt(imageBytes) + 1n, dataAt + plan.readUInt32LE(relocationsAt)),
  'a pointer that wraps around': (plan) =>
    plan.writeBigUInt64LE(0xffff_ffff_ffff_fff0n, dataAt + plan.readUInt32LE(relocationsAt + 4)),
};

async function outcomeOf(plan: Uint8Array) {
  const { frames, exitCode } = await performBytes(plan);
  return { frames: frames.map(({ type, step }) => ({ type, step })), exitCode, performed: existsSync(mark) };
}
const rejected = (step: number) => ({ frames: [{ type: REJECTED, step }], exitCode: 125, performed: false });

describe('a plan with', () => {
  it('nothing wrong is performed (so that the tests below mean something)', async () => {
    expect(good.length).toBe(dataAt + dataBytes);
    expect(await outcomeOf(good)).toEqual({ frames: [{ type: ENDED, step: -1 }], exitCode: 125, performed: true });
    expect((await outcomeOf(Buffer.concat([good, encodeLastWord(7)]))).exitCode).toBe(7);
  });

  const groups: [Record<string, Change>, number][] = [
    [HEAD, -1],
    [STEP, LAST],
    [RELOCATION, 3],
  ];
  for (const [changes, step] of groups) {
    it.each(Object.entries(changes))(`%s is rejected before its first step (it names ${step})`, async (_, change) => {
      const plan = Buffer.from(good);
      change(plan);
      expect(plan.equals(good)).toBe(false);
      expect(await outcomeOf(plan)).toEqual(rejected(step));
    });
  }

  it.each([
    ['only half a head', 20],
    ['no steps behind the head', 40],
    ['half of its steps', stepAt(1) + 50],
    ['no relocations', relocationsAt],
    ['no data', dataAt],
    ['all but its last byte', good.length - 1],
  ])('%s is rejected, or not even answered', async (_, bytes) => {
    const outcome = await outcomeOf(good.subarray(0, bytes));
    expect(outcome).toEqual(bytes < 40 ? { frames: [], exitCode: 125, performed: false } : rejected(-1));
  });

  it('bytes behind its end is performed: they are no part of it', async () => {
    expect((await outcomeOf(Buffer.concat([good, Buffer.from('more')]))).performed).toBe(true);
  });
});
