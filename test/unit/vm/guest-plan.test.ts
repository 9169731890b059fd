import { describe, expect, it } from 'vitest';
import { encodePlan } from '../../../src/sys/encode.js';
import { showPlan } from '../../../src/sys/show.js';
import { DEFAULT_ENV, type GuestJob, guestPlan } from '../../../src/vm/guest-plan.js';
import { EXIT_RECORD_BYTES, MAGIC_AT, RECORD_MAGIC, readExitRecord } from '../../../src/vm/guest-ports.js';
import { Marks } from '../../../src/vm/marks.js';

const JOB: GuestJob = {
  command: ['/bin/echo', 'hello'],
  env: DEFAULT_ENV,
  cwd: '/',
  hostname: 'vlab',
  modules: ['virtio', 'virtio_console'],
  stdin: true,
  signals: true,
  endToken: Buffer.from('0123456789abcdef'),
};

describe('guestPlan', () => {
  it('reads as agreed', async () => {
    await expect(showPlan(guestPlan('x86_64', JOB))).toMatchFileSnapshot('golden/guest-plan.txt');
  });

  it('is portable: the same steps on both architectures', () => {
    const calls = (arch: 'x86_64' | 'aarch64') => guestPlan(arch, JOB).steps.map(({ call, why }) => [call, why]);
    expect(calls('aarch64')).toEqual(calls('x86_64'));
    expect(encodePlan(guestPlan('aarch64', JOB), 1n).length).toBeGreaterThan(1000);
  });

  it('without a program only shows that the guest is up and powers off', () => {
    const calls = guestPlan('x86_64', { ...JOB, command: [] }).steps.map(({ call }) => call);
    expect(calls).not.toContain('execve');
    expect(calls).not.toContain('clone3');
    expect(calls.at(-1)).toBe('reboot');
  });

  it('opens no port that the job does not use', () => {
    const text = showPlan(guestPlan('x86_64', { ...JOB, stdin: false, signals: false }));
    expect(text).not.toContain('vport0p1');
    expect(text).not.toContain('vport0p4');
    expect(text).toContain('"/dev/null"');
  });
});

function record(fields: { code?: number; status?: number; exec?: bigint; magic?: bigint }): Buffer {
  const bytes = Buffer.alloc(EXIT_RECORD_BYTES);
  bytes.writeInt32LE(17, 0);
  bytes.writeInt32LE(fields.code ?? 1, 8);
  bytes.writeInt32LE(fields.status ?? 0, 24);
  bytes.writeBigInt64LE(fields.exec ?? 0n, 32);
  bytes.writeBigUInt64LE(fields.magic ?? RECORD_MAGIC, MAGIC_AT);
  return bytes;
}

describe('readExitRecord', () => {
  it('tells exit codes, signals and a program that never ran', () => {
    expect(readExitRecord(record({ status: 7 }))).toEqual({ kind: 'exited', code: 7 });
    expect(readExitRecord(record({ code: 2, status: 9 }))).toEqual({ kind: 'killed', signal: 9 });
    expect(readExitRecord(record({ code: 3, status: 11 }))).toEqual({ kind: 'killed', signal: 11 });
    expect(readExitRecord(record({ status: 125, exec: -2n }))).toEqual({ kind: 'not-run', errno: 2 });
  });

  it('knows what is no record', () => {
    expect(readExitRecord(record({ magic: 1n }))).toBeUndefined();
    expect(readExitRecord(Buffer.alloc(3))).toBeUndefined();
  });
});

describe('Marks', () => {
  const feed = (...chunks: (string | Buffer)[]) => {
    const marks = new Marks();
    for (const chunk of chunks) marks.take(Buffer.from(chunk));
    return marks;
  };

  it('follows a guest from its first sign to the end, in pieces of any size', () => {
    const all = Buffer.concat([Buffer.from('UX'), record({ status: 3 })]);
    for (const size of [1, 2, 7, all.length]) {
      const marks = new Marks();
      for (let at = 0; at < all.length; at += size) marks.take(all.subarray(at, at + size));
      expect(marks).toMatchObject({ up: true, exec: true, end: { kind: 'exited', code: 3 }, garbled: undefined });
    }
  });

  it('follows a guest that runs no program', () => {
    expect(feed('U', record({ status: 0 }))).toMatchObject({ up: true, exec: false, end: { kind: 'exited' } });
  });

  it.each([
    ['a wrong first mark', ['Q'], 'the first mark is byte 81'],
    ['a record without its magic', ['UX', record({ magic: 5n })], 'the exit record is malformed'],
    ['something after the record', ['UX', record({}), 'more'], 'there is something after the exit record'],
  ])('names %s', (_what, chunks, garbled) => {
    expect(feed(...chunks).garbled).toBe(garbled);
  });
});
