// The launcher: many plans at once, hang-ups, detached plans, its own death, clients out to hurt. Needs a C compiler; no root.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ABI, flags, hostArch } from '../../../src/sys/abi.js';
import type { Performance } from '../../../src/sys/channel.js';
import { encodePlan } from '../../../src/sys/encode.js';
import { initVersion, nativeBinary } from '../../../src/sys/native.js';
import { PlanBuilder } from '../../../src/sys/plan.js';
import { isFullRun, needs } from '../../skips.js';
import { OwnLauncher, runs, statOf, until } from './own-launcher.js';
import { dial, framesUntilClosed, REJECTED } from './raw-channel.js';
import { lateFilePlan, nappingPlan, sleeperPlan } from './waiting-plans.js';

const folder = mkdtempSync(join(tmpdir(), 'vlab-late-'));
afterAll(() => rmSync(folder, { recursive: true }));

let launcher: OwnLauncher;
beforeEach(async () => {
  launcher = await OwnLauncher.start();
});
afterEach(() => launcher[Symbol.asyncDispose]());

const noted = (performance: Performance) =>
  new Promise<Buffer>((resolve) => {
    performance.onNote = resolve;
  });

/** It must not burn time, keep descriptors or children, once there is nothing to do. */
async function expectAtRest(): Promise<void> {
  await until(() => launcher.descendants().length === 0, 'no performer is left');
  await until(() => launcher.descriptors() === 0, 'no descriptor is left');
  const ticks = () =>
    statOf(launcher.pid)
      ?.slice(11, 13)
      .map(Number)
      .reduce((a, b) => a + b);
  const before = ticks();
  await sleep(200);
  expect(ticks()).toBe(before);
}

describe('the launcher', () => {
  it('listens at a socket that only its user can reach', () => {
    expect(statSync(launcher.socketPath).mode & 0o7777).toBe(0o600);
    expect(statSync(launcher.dir).mode & 0o7777).toBe(0o700);
  });

  it('performs 50 plans at once, each in a process of its own', async () => {
    const began = Date.now();
    const all = await Promise.all(Array.from({ length: 50 }, () => launcher.perform(nappingPlan(300))));
    const performed = await Promise.all(all.map(({ ended }) => ended));
    expect(Date.now() - began).toBeLessThan(50 * 300);
    expect(performed.map(({ failure }) => failure)).toEqual(Array(50).fill(undefined));
    expect(new Set(performed.map(({ reply }) => reply.readBigInt64LE(0))).size).toBe(50);
    await expectAtRest();
  });

  it('is at rest after a thousand quick plans, some of which were hung up on', async () => {
    for (let wave = 0; wave < 20; wave++) {
      const all = await Promise.all(Array.from({ length: 50 }, () => launcher.perform(nappingPlan(0))));
      for (const [index, performance] of all.entries()) if (index % 7 === wave % 7) void performance.cancel();
      await Promise.allSettled(all.map(({ ended }) => ended));
    }
    await expectAtRest();
    const { ended } = await launcher.perform(nappingPlan(0));
    expect((await ended).failure).toBeUndefined();
  });

  it('is not touched by what one plan does to itself: chdir, umask, limits, a failure', async () => {
    const spoil = new PlanBuilder(hostArch());
    const limit = spoil.space(16, '{4, 4}');
    spoil.put(limit.offset, 4, 64);
    spoil.put(limit.offset + 8, 4, 64);
    spoil.step('umask', [0], 'let everybody read');
    spoil.step('chdir', [spoil.str('/')], 'go elsewhere');
    spoil.step('prlimit64', [0, flags('RLIMIT_NOFILE'), limit, 0], 'have hardly a descriptor');
    spoil.step('setns', [-1, 0], 'fail');
    const { failure } = await (await launcher.perform(spoil.build())).ended;
    expect([failure?.index, failure?.errno]).toEqual([3, 'EBADF']);

    const look = new PlanBuilder(hostArch());
    const seen = look.space(40, 'seen');
    look.step('umask', [0o22], 'the mask', { result: look.field(seen, 0, 'w64', 'mask') });
    look.step('prlimit64', [0, flags('RLIMIT_NOFILE'), 0, { ...seen, offset: seen.offset + 8 }], 'the limit');
    look.step('openat', [flags('AT_FDCWD'), look.str('launcher.lock'), 0], 'the directory is the one from before');
    look.reply(seen, 24);
    const { reply, failure: none } = await (await launcher.perform(look.build())).ended;
    expect(none).toBeUndefined();
    expect(reply.readBigInt64LE(0)).toBe(0o77n);
    expect(reply.readBigInt64LE(8)).toBeGreaterThan(4n);
  });

  it('lets each request carry its own umask and limits', async () => {
    const made = (mask: number) => {
      const b = new PlanBuilder(hostArch());
      const path = b.str(join(folder, `mask-${mask}`));
      b.step('umask', [mask], 'as the caller has it');
      b.step('openat', [flags('AT_FDCWD'), path, flags('O_CREAT', 'O_WRONLY'), 0o666], 'make a file');
      return b.build();
    };
    await Promise.all([0o22, 0o77].map(async (mask) => (await launcher.perform(made(mask))).ended));
    expect([0o22, 0o77].map((mask) => statSync(join(folder, `mask-${mask}`)).mode & 0o777)).toEqual([0o644, 0o600]);
  });

  it('rejects a plan of another version before its first step', async () => {
    const path = join(folder, 'other-version');
    const socket = await dial(launcher.socketPath);
    socket.write(encodePlan(lateFilePlan(0, path), initVersion() + 1n));
    const frames = await framesUntilClosed(socket);
    expect(frames).toMatchObject([{ type: REJECTED, step: -1 }]);
    expect(existsSync(path)).toBe(false);
  });
});

describe('a hang-up', () => {
  it('kills the performer and what the plan tied to it', async () => {
    const performance = await launcher.perform(sleeperPlan());
    const sleeper = Number((await noted(performance)).readBigInt64LE(0));
    const [performer] = launcher.descendants();
    expect(launcher.descendants()).toContain(sleeper);
    void performance.cancel();
    await expect(performance.ended).rejects.toThrow(/ended without an answer/);
    await until(() => !runs(sleeper) && !runs(performer ?? 0), 'performer and child are gone');
  });

  it('is over for the client when nothing more can be started', async () => {
    for (let round = 0; round < 100; round++) {
      const path = join(folder, `started-${round}`);
      const performance = await launcher.perform(lateFilePlan(round % 10, path));
      await sleep(round % 7);
      await performance.cancel();
      const made = existsSync(path);
      await sleep(10 - (round % 10));
      expect(existsSync(path), `round ${round}`).toBe(made);
    }
  });

  it('at once, while the plan is still on its way, kills too', async () => {
    const path = join(folder, 'hung-up');
    const performance = await launcher.perform(lateFilePlan(300, path));
    await performance.cancel();
    await until(() => launcher.descendants().length === 0, 'its performer has ended');
    expect(existsSync(path)).toBe(false);
  });

  it.each([
    ['after the plan has said something', true],
    ['at once, while the plan is still on its way', false],
  ])('with the detach byte lets the plan run on: %s', async (name, wait) => {
    const path = join(folder, `detached-${name.length}`);
    const performance = await launcher.perform(lateFilePlan(100, path));
    if (wait) await noted(performance);
    performance.detach();
    await until(() => existsSync(path), 'the detached plan made its file');
    await until(() => launcher.descendants().length === 0, 'its performer has ended');
  });

  it.each([1, 7, 41, 200])('a plan that was detached at once is whole (%i at a time)', async (count) => {
    const paths = Array.from({ length: count }, (_, index) => join(folder, `whole-${count}-${index}`));
    await Promise.all(paths.map(async (path) => (await launcher.perform(lateFilePlan(0, path))).detach()));
    await until(() => paths.every((path) => existsSync(path)), 'all detached plans were performed', 10_000);
  });
});

describe('the death of the launcher', () => {
  it('takes performers and what they started along, detached or not', async () => {
    await until(() => launcher.descendants().length === 0, 'the jobs of other tests have ended');
    const first = await launcher.perform(sleeperPlan());
    const firstNoted = noted(first);
    const second = await launcher.perform(sleeperPlan());
    const secondNoted = noted(second); // before anything is awaited, or the note may have passed
    const sleepers = [await firstNoted, await secondNoted].map((pid) => Number(pid.readBigInt64LE(0)));
    second.detach();
    const all = launcher.descendants();
    expect(all).toEqual(expect.arrayContaining(sleepers));
    expect(all).toHaveLength(4);
    await launcher.kill();
    await until(() => all.every((pid) => !runs(pid)), 'nothing of it runs');
    await expect(first.ended).rejects.toThrow(/ended without an answer/);
  });

  it('leaves a socket file that the next one replaces, again and again', async () => {
    for (let round = 0; round < 10; round++) {
      const performance = await launcher.perform(sleeperPlan());
      await noted(performance);
      await launcher.kill();
      expect(existsSync(launcher.socketPath)).toBe(true);
      await until(() => performanceIsLost(performance), 'the client knows');
      await launcher.restart();
    }
    expect((await (await launcher.perform(nappingPlan(0))).ended).failure).toBeUndefined();
  });

  const performanceIsLost = (performance: Performance) =>
    performance.ended.then(
      () => false,
      () => true,
    );

  it('is its own after 60 s without a job; the socket goes with it', { timeout: 90_000 }, async (context) => {
    needs(context, 'full', isFullRun);
    await until(() => !runs(launcher.pid), 'it has ended', 70_000);
    expect(existsSync(launcher.socketPath)).toBe(false);
  });
});

describe('a second launcher in the same directory', () => {
  it('ends quietly, and the first goes on', async () => {
    const second = spawnSync(await nativeBinary('vlab-init'), ['serve', launcher.dir], { encoding: 'utf8' });
    expect([second.status, second.stdout, second.stderr]).toEqual([0, '', '']);
    expect((await (await launcher.perform(nappingPlan(0))).ended).failure).toBeUndefined();
  });
});

describe('a client that', () => {
  const plan = encodePlan(nappingPlan(0), 0n);
  const served = async () => (await (await launcher.perform(nappingPlan(0))).ended).failure === undefined;

  it.each([
    ['says nothing', new Uint8Array(0)],
    ['sends one byte', plan.subarray(0, 1)],
    ['sends half a head', plan.subarray(0, 20)],
    ['sends half a plan', encodePlan(nappingPlan(0), initVersion()).subarray(0, 150)],
  ])('%s and then waits harms nobody', async (_, bytes) => {
    const slow = await dial(launcher.socketPath);
    slow.write(bytes);
    for (let round = 0; round < 5; round++) expect(await served()).toBe(true);
    slow.destroy();
    await expectAtRest();
  });

  it('sends a plan byte by byte is served', async () => {
    const socket = await dial(launcher.socketPath);
    const frames = framesUntilClosed(socket);
    socket.setNoDelay(true);
    for (const byte of encodePlan(nappingPlan(0), initVersion())) {
      socket.write(Uint8Array.of(byte));
      if (byte % 16 === 0) await sleep(0);
    }
    expect(await frames).toMatchObject([{ type: 2, step: -1 }]);
  });

  it('sends garbage is rejected', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const socket = await dial(launcher.socketPath);
      socket.write(Buffer.alloc(2000 * seed, seed));
      expect(await framesUntilClosed(socket)).toMatchObject([{ type: REJECTED, step: -1 }]);
    }
    await expectAtRest();
  });

  it('comes and goes, a hundred times, leaves nothing', async () => {
    await Promise.all(Array.from({ length: 100 }, async () => (await dial(launcher.socketPath)).destroy()));
    expect(await served()).toBe(true);
    await expectAtRest();
  });

  it('sends its plan, reads nothing and waits does not stop the others', async () => {
    const b = new PlanBuilder(hostArch());
    const large = b.space(65536, 'reply');
    b.step('getpid', [], 'nothing');
    b.reply(large, 65536);
    const lazy = await dial(launcher.socketPath);
    lazy.pause();
    lazy.write(encodePlan(b.build(), initVersion()));
    expect(await served()).toBe(true);
    lazy.destroy();
  });
});

it('signals that end a launcher by accident do not: SIGPIPE of a client that is gone', async () => {
  const b = new PlanBuilder(hostArch());
  b.step('kill', [0x7fffffff, ABI.SIGKILL], 'nobody', { tolerate: ['ESRCH'] });
  for (let round = 0; round < 20; round++) void (await launcher.perform(b.build())).cancel();
  await until(() => launcher.descendants().length === 0, 'all performers have ended');
  expect(readFileSync(`/proc/${launcher.pid}/comm`, 'utf8')).toMatch(/^vlab-init/);
});
