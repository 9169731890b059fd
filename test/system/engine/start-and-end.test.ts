/** One container of the engine, from its start to the record of its end, on the real kernel. Needs root and busybox. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readExit } from '../../../src/engine/run/exit-record.js';
import { hasEnded } from '../../../src/sys/owners.js';
import { needs } from '../../skips.js';
import { until } from '../sys/own-launcher.js';
import { BUSYBOX, RunGround, Taken } from './run-ground.js';

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

describe('a container', () => {
  it('runs, says something to its log and to who waits, and its end is written down', async () => {
    const [stdout, stderr] = [new Taken(), new Taken()];
    const born: number[] = [];
    const request = ground.request(['sh', '-c', 'echo out; echo err >&2; printf part; exit 3'], {
      waits: true,
      attach: { stdout, stderr },
      onBorn: async (init) => void born.push(init.pid),
    });
    const started = await ground.start(request);
    expect(born).toEqual([started.init.pid]);
    const end = await started.ended;
    expect(end).toMatchObject({ exitCode: 3, oomKilled: false, init: { pid: started.init.pid } });
    expect(await started.attachment?.over).toBe('ended');
    expect([stdout.text, stderr.text]).toEqual(['out\npart', 'err\n']);
    expect(readExit(request.dir)).toEqual(end);
    const log = readFileSync(join(request.dir, 'log/log'), 'utf8');
    const time = '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}Z';
    expect(
      log
        .trimEnd()
        .split('\n')
        .sort((a, b) => a.slice(31).localeCompare(b.slice(31))),
    ).toEqual([
      expect.stringMatching(new RegExp(`^${time} stderr F err$`)),
      expect.stringMatching(new RegExp(`^${time} stdout F out$`)),
      expect.stringMatching(new RegExp(`^${time} stdout P part$`)),
    ]);
    const at = Date.parse(log.slice(0, 23) + 'Z');
    expect(Math.abs(at - Date.now())).toBeLessThan(60_000);
    await until(() => hasEnded(started.monitor), 'its monitor has ended');
    expect(ground.left()).toEqual([]);
    expect(readdirSync(request.dir).sort()).toEqual(['exit', 'log']);
  });
});
