// Commands that are killed at any moment: what they leave is whole, the same command then succeeds, and at the end nothing is left.
// Needs the built dist/ and root.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { isFullRun } from '../../skips.js';
import { type EngineRoom, withEngineRoom } from './engine-room.js';

const ROUNDS = isFullRun ? 60 : 8;

let room: EngineRoom;
withEngineRoom((own) => {
  room = own;
});

/** Whether it was killed before its end. */
async function killed(afterMs: number, words: readonly string[]): Promise<boolean> {
  const child = room.start(...words);
  const over = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.stdout.resume();
  child.stderr.resume();
  await Promise.race([over, sleep(afterMs)]);
  child.kill('SIGKILL');
  await over;
  return child.signalCode === 'SIGKILL';
}

const NET = ['--network', 'none'];

/** What comes before the round, what is killed, and what must work then. */
const COMMANDS: Record<string, { before?: string[]; words: string[]; after: (() => Promise<unknown>)[] }> = {
  'run -d': {
    words: ['run', '-d', ...NET, '--name', 'r1', 'busybox', 'sleep', '1000'],
    after: [
      () => room.vlab('rm', '-f', 'r1'),
      () => room.done('run', '-d', ...NET, '--name', 'r1', 'busybox', 'sleep', '1000'),
      () => room.done('rm', '-f', 'r1'),
    ],
  },
  'run --rm': {
    words: ['run', '--rm', ...NET, '--name', 'r2', 'busybox', 'echo', 'hi'],
    after: [
      () => room.vlab('rm', '-f', 'r2'),
      async () => expect(await room.done('run', '--rm', ...NET, '--name', 'r2', 'busybox', 'echo', 'hi')).toBe('hi'),
    ],
  },
  create: {
    words: ['create', '--name', 'c1', '-v', '/data', 'busybox', 'true'],
    after: [
      () => room.vlab('rm', '-fv', 'c1'),
      () => room.done('create', '--name', 'c1', '-v', '/data', 'busybox', 'true'),
      () => room.done('rm', '-v', 'c1'),
    ],
  },
  'stop -t 0': {
    before: ['run', '-d', ...NET, '--name', 's1', 'busybox', 'sleep', '1000'],
    words: ['stop', '-t', '0', 's1'],
    after: [
      () => room.done('stop', '-t', '0', 's1'),
      () => room.done('start', 's1'),
      () => room.done('rm', '-f', 's1'),
    ],
  },
  'rm -f': {
    before: ['run', '-d', ...NET, '--name', 'd1', 'busybox', 'sleep', '1000'],
    words: ['rm', '-f', 'd1'],
    after: [
      () => room.done('rm', '-f', 'd1'),
      () => room.done('run', '--rm', ...NET, '--name', 'd1', 'busybox', 'echo'),
    ],
  },
  commit: {
    before: ['create', '--name', 'k1', 'busybox', 'true'],
    words: ['commit', 'k1', 'kept'],
    after: [
      () => room.done('commit', 'k1', 'kept'),
      () => room.done('rm', 'k1'),
      async () => expect(await room.done('run', '--rm', ...NET, 'kept', 'echo', 'hi')).toBe('hi'),
      () => room.done('rmi', 'kept'),
    ],
  },
  cp: {
    before: ['create', '--name', 'p1', 'busybox', 'true'],
    words: ['cp', '/bin/busybox', 'p1:/copied'],
    after: [() => room.done('cp', '/bin/busybox', 'p1:/copied'), () => room.done('rm', 'p1')],
  },
  'volume create': {
    words: ['volume', 'create', 'v1'],
    after: [() => room.done('volume', 'create', 'v1'), () => room.done('volume', 'rm', 'v1')],
  },
};

it.each(Object.entries(COMMANDS))(
  '%s, killed at any moment',
  { timeout: 600_000 },
  async (_, { before, words, after }) => {
    if (before) await room.done(...before);
    const began = performance.now();
    await room.done(...words);
    const wholeMs = performance.now() - began;
    for (const step of after) await step();
    let interrupted = 0;
    for (let round = 0; round < ROUNDS; round++) {
      if (before) await room.done(...before);
      if (await killed(Math.random() * wholeMs, words)) interrupted++;
      expect((await room.vlab('ps', '-a')).code).toBe(0);
      await room.done('image', 'verify');
      for (const step of after) await step();
      expect(await room.done('ps', '-aq')).toBe('');
    }
    expect(interrupted).toBeGreaterThan(0);
    expectNothingLeft();
  },
);

function expectNothingLeft(): void {
  const containers = join(room.data, 'containers');
  expect(readdirSync(containers)).toEqual(['names']);
  expect(readdirSync(join(containers, 'names'))).toEqual(['lock']);
  const volumes = join(room.data, 'volumes');
  const anonymous = existsSync(volumes) ? readdirSync(volumes).filter((name) => /^[0-9a-f]{64}$/.test(name)) : [];
  expect(anonymous).toEqual([]);
  expect(readdirSync(join(room.dir, 'r/owners'))).toEqual([]);
  const left = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isSleeper(name));
  expect(left).toEqual([]);
}

/** A program of one of these containers: its root is a layer of the room's. */
function isSleeper(pid: string): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return words[0] === 'sleep' && readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(room.dir);
  } catch {
    return false; // it has just ended
  }
}
