// vlab-init performs plans for real, one-shot. Needs a C compiler; no root. strace for the test of EINTR.
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ABI, flags, hostArch } from '../../../src/sys/abi.js';
import { note } from '../../../src/sys/channel.js';
import { cloneProcess } from '../../../src/sys/clone.js';
import { encodePlan } from '../../../src/sys/encode.js';
import { initVersion } from '../../../src/sys/native.js';
import { performOnce, startOnce } from '../../../src/sys/perform-once.js';
import { label, PlanBuilder } from '../../../src/sys/plan.js';
import { needs } from '../../skips.js';
import { ENDED, performBytes } from './raw-channel.js';

const folder = mkdtempSync(join(tmpdir(), 'vlab-plans-'));
afterAll(() => rmSync(folder, { recursive: true }));

const SEEK_END = 2;
let b: PlanBuilder;
const begin = () => {
  b = new PlanBuilder(hostArch());
};

/** Steps that open a file for the plan's output; `say` appends to it. */
function output(name: string) {
  const path = join(folder, name);
  const fd = b.word('out');
  const create = flags('O_WRONLY', 'O_CREAT', 'O_TRUNC');
  b.step('openat', [flags('AT_FDCWD'), b.str(path), create, 0o600], 'open the output', { result: fd });
  const say = (text: string) => b.step('write', [fd, b.str(text), text.length], `say ${text}`);
  return { say, read: () => readFileSync(path, 'utf8') };
}

async function failureOf() {
  const { ended } = await startOnce(b.build());
  const { failure } = await ended;
  return failure ? { step: failure.index, errno: failure.errno, result: failure.result } : undefined;
}

describe('arguments and results', () => {
  it('a result is an 8-byte word that later steps read', async () => {
    begin();
    const pair = b.space(8, 'pair');
    const [from, to] = [b.field(pair, 0, 'w32', 'from'), b.field(pair, 4, 'w32', 'to')];
    const copy = b.word('copy', -1);
    const got = b.space(8, 'got');
    b.step('pipe2', [pair, 0], 'two descriptors side by side in 32 bits each');
    b.step('fcntl', [to, flags('F_DUPFD_CLOEXEC'), 100], 'one more', { result: copy });
    b.step('write', [copy, b.str('eight by'), 8], 'through the copy', { accept: [8, 8] });
    b.step('read', [from, got, 8], 'and back', { accept: [8, 8] });
    b.reply(copy, 24);
    const { reply } = await performOnce(b.build());
    expect(reply.readBigInt64LE(0)).toBeGreaterThanOrEqual(100n);
    expect(reply.subarray(8, 16).toString()).toBe('eight by');
  });

  it('32-bit words are sign-extended, 64-bit words are taken whole', async () => {
    begin();
    const fd = b.word('file');
    const numbers = b.space(16, 'numbers');
    b.put(numbers.offset, -3, 32);
    b.put(numbers.offset + 4, 0x7fff, 32); // must not be taken for the upper half
    b.put(numbers.offset + 8, 1n << 40n, 64);
    const [near, far] = [b.word('near'), b.word('far')];
    b.step('memfd_create', [b.str('test'), 0], 'a file', { result: fd });
    b.step('ftruncate', [fd, 10], 'of 10 bytes');
    b.step('lseek', [fd, b.field(numbers, 0, 'w32', '-3'), SEEK_END], 'three before its end', { result: near });
    b.step('lseek', [fd, b.field(numbers, 8, 'w64', '2^40'), 0], 'far behind it', { result: far });
    b.reply(near, 16);
    const { reply } = await performOnce(b.build());
    expect([reply.readBigInt64LE(0), reply.readBigInt64LE(8)]).toEqual([7n, 1n << 40n]);
  });

  it('an error is stored as what it is, and a tolerated one too', async () => {
    begin();
    const outcome = b.word('outcome');
    b.step('close', [-1], 'close nothing', { result: outcome, tolerate: ['EBADF'] });
    b.reply(outcome, 8);
    expect((await performOnce(b.build())).reply.readBigInt64LE(0)).toBe(-9n);
  });

  it('relocations make pointers: argv and envp reach the program', async () => {
    begin();
    const env = b.stringArray(['A=1', 'B=two words'], 'envp');
    b.step('execve', [b.str('/bin/sh'), b.stringArray(['sh', '-c', 'echo "$A $B $0"', 'zero'], 'argv'), env], 'run it');
    const { stdout, frames } = await performBytes(encodePlan(b.build(), initVersion()));
    expect(stdout).toBe('1 two words zero\n');
    expect(frames).toEqual([]); // the program replaced the performer, and the channel is closed on exec
  });

  it('tells when the request came and when the plan ended, by the host clock', async () => {
    begin();
    const nap = b.space(16, '{50 ms}');
    b.put(nap.offset + 8, 50_000_000, 64);
    b.step('clock_nanosleep', [1, 0, nap, 0], 'wait');
    const before = process.hrtime.bigint();
    const { receivedNs, endedNs } = await performOnce(b.build());
    expect(receivedNs).toBeGreaterThan(before);
    expect(endedNs - receivedNs).toBeGreaterThan(50_000_000n);
    expect(endedNs).toBeLessThan(process.hrtime.bigint());
  });
});

describe('branches', () => {
  it('a tolerated errno goes to the label, or on; a success never branches', async () => {
    begin();
    const { say, read } = output('tolerated');
    const [skip, never] = [label('skip'), label('never')];
    const missing = b.str('/missing');
    const at = flags('AT_FDCWD');
    b.step('openat', [at, missing, 0], 'missing', { tolerate: ['EPERM', 'ENOENT'], jump: skip });
    say('a');
    b.place(skip);
    b.step('openat', [at, missing, 0], 'missing', { tolerate: ['ENOENT'] });
    say('b');
    b.step('openat', [at, b.str('/'), 0], 'there', { tolerate: ['ENOENT'], jump: never });
    say('c');
    b.place(never);
    await performOnce(b.build());
    expect(read()).toBe('bc');
  });

  it('an errno that is not tolerated fails, though another is', async () => {
    begin();
    b.step('openat', [flags('AT_FDCWD'), b.str('/missing'), 0], 'missing', { tolerate: ['EEXIST'] });
    expect(await failureOf()).toEqual({ step: 0, errno: 'ENOENT', result: -2n });
  });

  it('a positive result and a zero branch where it was asked for', async () => {
    begin();
    const { say, read } = output('jumps');
    const [one, two, end] = [label('one'), label('two'), label('end')];
    b.step('getpid', [], 'above 0', { jump: one, jumpOn: 'positive' });
    say('a');
    b.place(one);
    b.step('umask', [0], 'whatever');
    b.step('umask', [0], '0', { jump: two, jumpOn: 'zero' });
    say('b');
    b.place(two);
    b.step('getpid', [], 'not 0', { jump: end, jumpOn: 'zero' });
    say('c');
    b.step('umask', [0], 'not positive', { jump: end, jumpOn: 'positive' });
    say('d');
    b.step('getpid', [], 'to the very end', { jump: end, jumpOn: 'positive' });
    say('e');
    b.place(end);
    await performOnce(b.build());
    expect(read()).toBe('cd');
  });

  it.each([
    ['below', [1, 5], 0, { step: 1, errno: undefined, result: 0n }],
    ['above', [0, 0], 1, { step: 1, errno: undefined, result: 1n }],
    ['within', [0, 1], 1, undefined],
    ['at its lower end', [1, 2], 1, undefined],
  ] as const)('a result %s the accepted range', async (_, accept, mask, expected) => {
    begin();
    b.step('umask', [mask], 'set');
    b.step('umask', [0], 'get', { accept });
    expect(await failureOf()).toEqual(expected);
  });

  it('an error can be what is accepted', async () => {
    begin();
    b.step('close', [-1], 'must fail', { accept: [-9, -9] });
    expect(await failureOf()).toBeUndefined();
  });

  it('EINTR is repeated where asked, and only there', async (context) => {
    needs(context, 'strace', spawnSync('strace', ['-V']).status === 0);
    const inject = ['strace', '-o', '/dev/null', '-e', 'inject=lseek:error=EINTR:when=1..3'];
    const plan = (retryOnEintr: boolean) => {
      begin();
      const fd = b.word('file');
      b.step('memfd_create', [b.str('test'), 0], 'a file', { result: fd });
      b.step('lseek', [fd, 5, 0], 'interrupted three times', { accept: [5, 5], retryOnEintr });
      return encodePlan(b.build(), initVersion());
    };
    const [repeated] = (await performBytes(plan(true), inject)).frames;
    expect(repeated).toMatchObject({ type: ENDED, step: -1 });
    const [given] = (await performBytes(plan(false), inject)).frames;
    expect(given).toMatchObject({ type: ENDED, step: 1, result: -4n });
  });
});

describe('safety', () => {
  it('a plan that waits for a parent that is gone does not go on to exec', async () => {
    begin();
    const pair = b.space(8, 'alive');
    const mark = join(folder, 'was-run');
    b.step('pipe2', [pair, 0], 'a pipe');
    b.step('close', [b.field(pair, 4, 'w32', 'alive[1]')], 'nobody writes to it');
    b.step('read', [b.field(pair, 0, 'w32', 'alive[0]'), b.space(8, 'byte'), 1], 'the parent lives', {
      accept: [1, 1],
      retryOnEintr: true,
    });
    b.step('execve', [b.str('/bin/sh'), b.stringArray(['sh', '-c', `echo > ${mark}`], 'argv'), 0], 'run');
    expect(await failureOf()).toEqual({ step: 2, errno: undefined, result: 0n });
    expect(() => readFileSync(mark)).toThrow(/ENOENT/);
  });

  it('no step can write into the steps, the relocations or behind the image', async () => {
    begin();
    const { frame, frameBytes, payload } = note(b, 8, 'where');
    b.point(payload.offset, { kind: 'addr', offset: 0, text: 'image' });
    const targets = b.space(32, 'targets');
    const zero = b.word('zeros');
    const outcomes = b.space(48, 'outcomes');
    const at = (index: number) => b.field(outcomes, index * 8, 'w64', `outcome ${index}`);
    const any = { accept: [-4095, 4096] } as const;
    b.step('openat', [flags('AT_FDCWD'), b.str('/dev/zero'), 0], 'zeros', { result: zero });
    b.step('write', [3, frame, frameBytes], 'tell where the image is');
    b.step('read', [4, targets, 32], 'learn where the steps are', { accept: [32, 32] });
    for (const index of [0, 1, 2, 3]) {
      const target = b.field(targets, index * 8, 'w64', `target ${index}`);
      b.step('read', [zero, target, 16], 'try to write there', { ...any, result: at(index) });
    }
    b.step('read', [zero, b.space(0, 'the end', 8), 1 << 20], 'write far behind the image', { ...any, result: at(4) });
    b.step('read', [zero, targets, 32], 'while the image itself is writable', { ...any, result: at(5) });
    b.reply(outcomes, 48);
    const plan = b.build();
    const page = (bytes: number) => BigInt(Math.ceil(bytes / 4096) * 4096);
    const message = 40 + plan.steps.length * 96 + 8;
    const end = Math.ceil(plan.imageBytes / 4096) * 4096;

    const pipe = spawnSync('mkfifo', [join(folder, 'fifo')]);
    expect(pipe.status).toBe(0);
    const fifo = openSync(join(folder, 'fifo'), 'r+');
    try {
      const performance = await startOnce(plan, { descriptors: [fifo] });
      performance.onNote = (where) => {
        const image = where.readBigUInt64LE(0);
        const head = image - page(message);
        const wanted = Buffer.alloc(32);
        [head, head + 40n, image - page(message) + BigInt(message) - 16n, image + BigInt(end)].forEach(
          (address, index) => {
            wanted.writeBigUInt64LE(address, index * 8);
          },
        );
        writeSync(fifo, wanted);
      };
      const { reply, failure } = await performance.ended;
      expect(failure).toBeUndefined();
      const results = [0, 1, 2, 3, 4, 5].map((index) => Number(reply.readBigInt64LE(index * 8)));
      const EFAULT = -14;
      expect(results.slice(0, 4)).toEqual([EFAULT, EFAULT, EFAULT, EFAULT]);
      // The kernel fills what it can up to the guard page, and no further.
      expect(results[4]).toBeLessThanOrEqual(4096);
      expect(results[5]).toBe(32);
    } finally {
      closeSync(fifo);
    }
  });
});

describe('failures', () => {
  /** A child that fails at its second step, and a parent that waits for it and then goes on, or fails too. */
  function twoSides(parentFails: boolean) {
    begin();
    const parent = label('parent');
    const info = b.space(128, 'siginfo');
    const cloned = cloneProcess(b, { namespaces: [], why: 'two sides' });
    cloned.toParent(parent);
    b.step('getpid', [], 'fine');
    b.step('chdir', [b.str('/missing')], 'fails in the child');
    b.step('execve', [b.str('/bin/true'), 0, 0], 'never comes so far');
    b.place(parent);
    b.step('waitid', [flags('P_PIDFD'), cloned.pidfd, info, flags('WEXITED'), 0], 'wait', { retryOnEintr: true });
    if (parentFails) b.step('close', [-1], 'fails in the parent');
    b.reply(info, 128);
    return b.build();
  }

  it("are told by step and errno, and the reply comes all the same: the child's", async () => {
    const { ended } = await startOnce(twoSides(false));
    const { failure, reply } = await ended;
    expect([failure?.index, failure?.errno]).toEqual([2, 'ENOENT']);
    expect(failure?.message).toContain('chdir("/missing"): ENOENT');
    const [SI_CODE, SI_STATUS] = [8, 24];
    expect([reply.readInt32LE(SI_CODE), reply.readInt32LE(SI_STATUS)]).toEqual([ABI.CLD_EXITED, 125]);
  });

  it('the first one counts, when both sides fail', async () => {
    const { ended } = await startOnce(twoSides(true));
    expect((await ended).failure?.index).toBe(2);
  });

  it('are told by a grandchild with a memory of its own, while its parent on borrowed memory works on', async () => {
    begin();
    const [parent, child] = [label('parent'), label('child')];
    const [first, second] = [b.space(128, 'siginfo'), b.space(128, 'siginfo')];
    const outer = cloneProcess(b, { namespaces: [], borrowsMemory: true, why: 'a child' });
    const inner = cloneProcess(b, { namespaces: [], why: 'a grandchild' });
    outer.toParent(parent);
    inner.toParent(child);
    for (let i = 0; i < 200; i++) b.step('getpid', [], 'let the child work');
    b.step('chdir', [b.str('/missing')], 'fails in the grandchild');
    b.place(child);
    for (let i = 0; i < 200; i++) b.step('getpid', [], 'let the grandchild work');
    const wait = (who: typeof outer, info: typeof first) =>
      b.step('waitid', [flags('P_PIDFD'), who.pidfd, info, flags('WEXITED'), 0], 'wait', { retryOnEintr: true });
    wait(inner, second);
    b.step('exit_group', [0], 'the child ends');
    b.place(parent);
    wait(outer, first);
    b.reply(first, 256);
    const plan = b.build();
    for (let time = 0; time < 20; time++) {
      const { failure, reply } = await (await startOnce(plan)).ended;
      expect(failure?.message).toContain('chdir("/missing"): ENOENT');
      const [SI_CODE, SI_STATUS] = [8, 24];
      const endAt = (at: number) => [reply.readInt32LE(at + SI_CODE), reply.readInt32LE(at + SI_STATUS)];
      expect([endAt(0), endAt(128)]).toEqual([
        [ABI.CLD_EXITED, 0],
        [ABI.CLD_EXITED, 125],
      ]);
    }
  });

  it("the parent's, and nothing behind it is performed", async () => {
    begin();
    const { say, read } = output('parent-fails');
    say('before');
    b.step('close', [-1], 'fails');
    say('behind');
    expect(await failureOf()).toEqual({ step: 2, errno: 'EBADF', result: -9n });
    expect(read()).toBe('before');
  });
});

describe('the performer', () => {
  beforeAll(begin);

  it('leaves nothing open for what it starts but what the plan passes on', async () => {
    begin();
    const list = b.stringArray(['sh', '-c', 'ls /proc/$$/fd'], 'argv');
    b.step('execve', [b.str('/bin/sh'), list, 0], 'list descriptors');
    const { stdout } = await performBytes(encodePlan(b.build(), initVersion()));
    // What the caller itself leaks to whatever it starts is not the performer's doing.
    const plain = spawnSync('/bin/sh', ['-c', 'ls /proc/$$/fd'], { encoding: 'utf8' });
    expect(stdout).toBe(plain.stdout);
  });

  it('ends with 125 when its channel ends before a plan came, and says nothing', async () => {
    expect(await performBytes(new Uint8Array(0))).toEqual({ frames: [], exitCode: 125, stdout: '' });
  });
});
