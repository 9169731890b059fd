// `vlab run` on a network with a published port, and its `rm`, killed at any moment: nothing of it stays on the network. In
// namespaces made for the test. Needs the built dist/.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { isFullRun } from '../../skips.js';
import { EngineRoom } from '../engine/engine-room.js';
import { canRun, Ground, needGround } from './ground.js';

const ROUNDS = isFullRun ? 300 : 6;
/** Longer than either command takes here. */
const LATEST_MS = 400;
const RUN = ['run', '-d', '--name', 'web', '--network', 'n', '-p', '8500:80', 'busybox', 'sleep', '1000'];
let ground: Ground;
let room: EngineRoom;

beforeAll(async () => {
  if (!canRun) return;
  ground = await Ground.start();
  room = new EngineRoom(['nsenter', `--net=${ground.host.namespace}`]);
  room.importBusybox();
});
afterAll(async () => {
  await room?.[Symbol.asyncDispose]();
  await ground?.[Symbol.asyncDispose]();
});
beforeEach(needGround);

/** nsenter(1) becomes the command, so that is what is killed. */
async function killed(afterMs: number, words: readonly string[]): Promise<void> {
  const child = room.start(...words);
  const over = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.stdout.resume();
  child.stderr.resume();
  const waiting = new AbortController();
  await Promise.race([over, sleep(afterMs, undefined, waiting).catch(() => {})]);
  waiting.abort();
  child.kill('SIGKILL');
  await over;
}

const leases = () => {
  const state = JSON.parse(readFileSync(join(room.data, 'networks/state.json'), 'utf8')) as {
    leases: { all: unknown[] };
  };
  return state.leases.all.length;
};

it(`${ROUNDS} rounds of each`, { timeout: ROUNDS * 6000 }, async () => {
  await room.done('network', 'create', 'n');
  for (let round = 0; round < ROUNDS; round++) {
    const afterMs = (LATEST_MS * round) / ROUNDS;
    await killed(afterMs, RUN);
    await room.vlab('rm', '-f', 'web');
    await room.done(...RUN);
    expect(leases()).toBe(1);
    await killed(afterMs, ['rm', '-f', 'web']);
    await room.done('rm', '-f', 'web');
    expect(await room.done('ps', '-aq')).toBe('');
    expect([round, leases()]).toEqual([round, 0]);
    expect(await ground.sh(ground.host, 'ip -o link')).not.toMatch(/master vlab-/);
  }
  await room.done('network', 'rm', 'n');
  expect(await ground.sh(ground.host, 'ip -o link; nft list tables')).not.toContain('vlab');
});
