/** Who keeps a container is killed: what still runs goes on, what cannot go on ends, and nothing is left. Needs root and busybox. */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readExit } from '../../../src/engine/run/exit-record.js';
import { watchEnd } from '../../../src/engine/run/watch-end.js';
import { launcherPid } from '../../../src/sys/launcher.js';
import { hasEnded, processOf, startTimeOf, sweepOwners } from '../../../src/sys/owners.js';
import { needs } from '../../skips.js';
import { runs, until } from '../sys/own-launcher.js';
import { BUSYBOX, RunGround } from './run-ground.js';

let ground: RunGround;
beforeAll(() => {
  ground = new RunGround();
});
afterAll(async () => {
  await ground[Symbol.asyncDispose]();
});
beforeEach((context) => {
  needs(context, 'root', process.getuid?.() === 0);
  needs(context, 'busybox-static', existsSync(BUSYBOX));
});

async function killLauncher(): Promise<void> {
  const pid = launcherPid();
  if (pid === undefined) return;
  const launcher = processOf(pid);
  process.kill(pid, 'SIGKILL');
  await until(() => hasEnded(launcher), 'the launcher has ended');
}

describe('when the launcher is killed', () => {
  it('a running container goes on, and its end is written down', async () => {
    const request = ground.request(['sleep', '1000'], { waits: true });
    const started = await ground.start(request);
    await killLauncher();
    await sleep(20);
    expect([runs(started.init.pid), runs(started.monitor.pid)]).toEqual([true, true]);
    process.kill(started.init.pid, 'SIGTERM');
    process.kill(started.init.pid, 'SIGKILL');
    expect(await started.ended).toMatchObject({ exitCode: 137 });
    await until(() => hasEnded(started.monitor), 'its monitor has ended');
    expect(ground.left()).toEqual([]);
  });

  it('while a container is started, it runs or has left nothing', async () => {
    let [started, failed] = [0, 0];
    for (let round = 0; round < 40; round++) {
      const born: { pid: number; startTime: string }[] = [];
      const request = ground.request(['sleep', '1000'], {
        onBorn: async (init) => void born.push({ pid: init.pid, startTime: init.startTime }),
      });
      const killing = sleep(round / 4).then(killLauncher);
      const outcome = await ground.start(request).catch((error: unknown) => error as Error);
      await killing;
      const [init] = born;
      if (outcome instanceof Error) {
        failed++;
        if (init) await until(() => startTimeOf(init.pid) !== init.startTime || hasEnded(init), 'it has ended');
      } else {
        started++;
        expect(runs(outcome.init.pid)).toBe(true);
        process.kill(outcome.init.pid, 'SIGKILL');
        expect(await watchEnd(request.dir, outcome)).toMatchObject({ signal: 9 });
        await until(() => hasEnded(outcome.monitor), 'its monitor has ended');
      }
      expect(ground.left()).toEqual([]);
    }
    expect(started + failed).toBe(40);
    expect(started).toBeGreaterThan(0);
  });
});

describe('when the monitor is killed', () => {
  it('the container ends with it, nobody says how, and the next command removes what is left', async () => {
    const request = ground.request(['sleep', '1000'], { waits: true });
    const started = await ground.start(request);
    process.kill(started.monitor.pid, 'SIGKILL');
    await expect(started.ended).rejects.toThrow(/monitor was killed/);
    await until(() => hasEnded(started.init), 'it has ended');
    expect(readExit(request.dir)).toBeUndefined();
    expect(await watchEnd(request.dir, started)).toBeUndefined();
    await sweepOwners();
    expect(ground.left()).toEqual([]);
  });

  it('at any moment of a short run, its end is written down or nothing of it runs', async () => {
    for (let round = 0; round < 40; round++) {
      const request = ground.request(['true'], { waits: true });
      const started = await ground.start(request);
      await sleep(round / 10);
      if (!hasEnded(started.monitor)) process.kill(started.monitor.pid, 'SIGKILL');
      const ended = await started.ended?.catch(() => undefined);
      await until(() => hasEnded(started.init) && hasEnded(started.monitor), 'both have ended');
      const written = readExit(request.dir);
      if (ended) expect(written).toEqual(ended);
      if (written) expect(written.init.pid).toBe(started.init.pid);
      await sweepOwners();
      expect(ground.left()).toEqual([]);
    }
  });
});

describe('when nobody is there any more', () => {
  it('a container whose caller hung up without a word is finished by the command that was named', async () => {
    const request = ground.request(['sleep', '0.05'], { finish: [BUSYBOX, 'touch', `${ground.root}/finished`] });
    await ground.start(request);
    await killLauncher();
    await until(() => existsSync(`${ground.root}/finished`), 'it is finished');
    expect(readExit(request.dir)?.exitCode).toBe(0);
  });

  it('a command that finishes and is not there (any more) is no trouble', async () => {
    const request = ground.request(['true'], { finish: ['/no/such/vlab', 'finish'] });
    const started = await ground.start(request);
    await until(() => hasEnded(started.monitor), 'its monitor has ended');
    expect(readExit(request.dir)?.exitCode).toBe(0);
    expect(ground.left()).toEqual([]);
  });
});
