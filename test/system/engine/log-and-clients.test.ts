/** What a container's monitor does with output: files, rotation, clients that are slow or die, and full disks. Needs root, busybox. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LogEntry } from '../../../src/engine/logs/log-line.js';
import { type ReadLogOptions, readLog } from '../../../src/engine/logs/read-log.js';
import { CONTAINER_FILES } from '../../../src/engine/record/container-files.js';
import { attach } from '../../../src/engine/run/attach.js';
import { parseDetachKeys } from '../../../src/engine/run/detach-keys.js';
import { readExit } from '../../../src/engine/run/exit-record.js';
import { watchEnd } from '../../../src/engine/run/watch-end.js';
import { hasEnded } from '../../../src/sys/owners.js';
import { needs } from '../../skips.js';
import { until } from '../sys/own-launcher.js';
import { BUSYBOX, RunGround, Taken, terminal } from './run-ground.js';

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

const seq = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => String(from + index));

async function logOf(dir: string, options: ReadLogOptions = {}): Promise<LogEntry[]> {
  const all: LogEntry[] = [];
  await readLog(join(dir, CONTAINER_FILES.log), options, (entries) => void all.push(...entries));
  return all;
}
const texts = (entries: LogEntry[]) => entries.map(({ text }) => text.toString());

/** The container says these lines and has ended. */
async function said(script: string, more: Parameters<RunGround['request']>[1] = {}) {
  const request = ground.request(['sh', '-c', script], { waits: true, ...more });
  await (await ground.start(request)).ended;
  return request;
}

describe('the log', () => {
  it('is read whole, by its end, and by time', async () => {
    const { dir } = await said('seq 1 5000; printf end');
    const all = await logOf(dir);
    expect(texts(all)).toEqual([...seq(1, 5000), 'end']);
    expect(all.at(-1)?.partial).toBe(true);
    expect(texts(await logOf(dir, { tail: 3 }))).toEqual(['4999', '5000', 'end']);
    expect(await logOf(dir, { tail: 0 })).toEqual([]);
    expect(texts(await logOf(dir, { tail: 4000 }))).toEqual([...seq(1002, 5000), 'end']);
    expect(await logOf(dir, { since: '2099' })).toEqual([]);
    expect(await logOf(dir, { until: '1999' })).toEqual([]);
    expect((await logOf(dir, { since: all[0]?.time ?? '' })).length).toBe(5001);
  });

  it('has lines that are longer than 16 KiB in parts', async () => {
    const { dir } = await said('head -c 40000 /dev/zero | sed "s/\\x00/a/g"; echo; echo b');
    const entries = await logOf(dir);
    expect(entries.map(({ text, partial }) => [text.length, partial])).toEqual([
      [16384, true],
      [16384, true],
      [40000 - 2 * 16384, false],
      [1, false],
    ]);
    expect(texts(await logOf(dir, { tail: 2 })).join('').length).toBe(40001);
  });

  it('is rotated by size, keeps so many files, and is read through them', async () => {
    const { dir } = await said('seq 1 20000', { log: { driver: 'file', maxBytes: 200_000, maxFiles: 3 } });
    const logDir = join(dir, 'log');
    expect(readdirSync(logDir).sort()).toEqual(['log', 'log.1', 'log.2']);
    for (const name of readdirSync(logDir)) expect(statSync(join(logDir, name)).size).toBeLessThanOrEqual(200_000);
    const entries = texts(await logOf(dir));
    expect(entries).toEqual(seq(20000 - entries.length + 1, 20000));
    expect(entries.length).toBeGreaterThan(9000);
    expect(texts(await logOf(dir, { tail: 6000 }))).toEqual(seq(14001, 20000));
  });

  it('of one file begins anew', async () => {
    const { dir } = await said('seq 1 20000', { log: { driver: 'file', maxBytes: 200_000, maxFiles: 1 } });
    expect(readdirSync(join(dir, 'log'))).toEqual(['log']);
    expect(texts(await logOf(dir)).at(-1)).toBe('20000');
  });

  it('is followed through rotations until the container ends, and nothing is missed', async () => {
    const request = ground.request(
      ['sh', '-c', 'for i in $(seq 1 40); do seq $((i*100)) $((i*100+99)); sleep 0.01; done'],
      {
        log: { driver: 'file', maxBytes: 20_000, maxFiles: 5 },
      },
    );
    const started = await ground.start(request);
    const follow = watchEnd(request.dir, started);
    expect(texts(await logOf(request.dir, { follow }))).toEqual(seq(100, 4099));
    expect((await follow)?.exitCode).toBe(0);
  });

  it('is nowhere with the driver none', async () => {
    const stdout = new Taken();
    const { dir } = await said('echo x', { log: { driver: 'none', maxFiles: 1 }, attach: { stdout } });
    expect(readdirSync(join(dir, 'log'))).toEqual([]);
    expect(stdout.text).toBe('x\n');
  });

  it('leaves out whole lines on a full disk, says how many, and the container goes on', async () => {
    const id = ground.newId();
    const request = ground.request([], {
      id,
      stdin: 'open',
      config: ground.config(id, ['sh', '-c', 'seq 1 20000; read x; echo after; exit 4']),
    });
    const logDir = join(request.dir, 'log');
    mkdirSync(logDir, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=200k', 'vlab-test', logDir]);
    try {
      const [stdin, stdout] = [new PassThrough(), new Taken()];
      const started = await ground.start({ ...request, waits: true, attach: { stdin, stdout } });
      await until(
        () => (statSync(join(logDir, 'log'), { throwIfNoEntry: false })?.size ?? 0) > 150_000,
        'the disk is full',
      );
      await until(() => stdout.text.endsWith('20000\n'), 'all is said');
      execFileSync('mount', ['-o', 'remount,size=10m', logDir]);
      stdin.end('go\n');
      expect((await started.ended)?.exitCode).toBe(4);
      const lines = readFileSync(join(logDir, 'log'), 'utf8').trimEnd().split('\n');
      expect(lines.pop()).toMatch(/ stdout F after$/);
      const lost = lines.map((line) =>
        Number(/ stderr F vlab: the disk was full, lines lost: (\d+)$/.exec(line)?.[1] ?? 0),
      );
      const kept = lines.filter((_, index) => lost[index] === 0).map((line) => Number(line.slice(TEXT_AT)));
      expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b));
      expect(kept.length + lost.reduce((sum, count) => sum + count, 0)).toBe(20000);
      expect(Math.max(...lost)).toBeGreaterThan(0);
    } finally {
      execFileSync('umount', ['-l', logDir]);
    }
  });
});

const TEXT_AT = '2026-11-25T01:02:03.000000000Z stdout F '.length;

describe('clients', () => {
  it('are several, see the same, and one detaches by its keys while the container goes on', async () => {
    const request = ground.request([], { id: ground.newId(), stdin: 'open' });
    request.config = ground.config(request.id, ['sh', '-c', 'read x; echo first $x; read y; echo second $y'], terminal);
    const started = await ground.start({ ...request, waits: true });
    const [one, two] = [
      { stdin: new PassThrough(), stdout: new Taken(), detachKeys: parseDetachKeys('ctrl-p,ctrl-q') },
      { stdin: new PassThrough(), stdout: new Taken() },
    ];
    const [first, second] = [await attach(request.runDir, one), await attach(request.runDir, two)];
    one.stdin.write('a\n');
    await until(() => [one, two].every(({ stdout }) => stdout.text.includes('first a')), 'both see it');
    one.stdin.write('\x10\x11');
    expect(await first.over).toBe('detached');
    two.stdin.write('b\n');
    expect((await started.ended)?.exitCode).toBe(0);
    expect(await second.over).toBe('ended');
    expect(two.stdout.text).toContain('second b');
    expect(one.stdout.text).not.toContain('second');
  });

  it('that read nothing do not stop the container, and are cut off', async () => {
    const request = ground.request(['sh', '-c', 'read x; head -c 4000000 /dev/zero; echo done'], {
      stdin: 'open',
      log: { driver: 'none', maxFiles: 1 },
      waits: true,
    });
    const started = await ground.start(request);
    const slow = connect(join(request.runDir, 'attach'));
    slow.pause();
    const over = new Promise((resolve) => slow.once('close', resolve));
    const stdin = new PassThrough();
    await attach(request.runDir, { stdin });
    stdin.write('go\n');
    expect((await started.ended)?.exitCode).toBe(0);
    slow.resume();
    await over;
  });

  it('that the container waits for get everything, even when it has ended long ago', async () => {
    const [stdout, other] = [new PassThrough({ highWaterMark: 1 }), new Taken()];
    const request = ground.request(['sh', '-c', 'seq 1 30000'], { waits: true, attach: { stdout } });
    const started = await ground.start(request);
    await until(() => stdout.writableNeedDrain, 'nobody takes it');
    const ended = started.ended;
    stdout.pipe(other);
    await ended;
    expect(await started.attachment?.over).toBe('ended');
    await until(() => other.text.endsWith('30000\n'), 'all has come');
    expect(other.text).toBe(`${seq(1, 30000).join('\n')}\n`);
  });

  it('that send rubbish are cut off, and nobody else is', async () => {
    const request = ground.request(['cat'], { stdin: 'open', waits: true });
    const started = await ground.start(request);
    const stdout = new Taken();
    const [bad, good] = [connect(join(request.runDir, 'attach')), { stdin: new PassThrough(), stdout }];
    await attach(request.runDir, good);
    bad.write(Buffer.from('ffffffffffffffffffffffff', 'hex'));
    await new Promise((resolve) => bad.once('close', resolve));
    good.stdin.write('still\n');
    await until(() => stdout.text === 'still\n', 'the other one is heard');
    process.kill(started.init.pid, 'SIGKILL');
    expect((await started.ended)?.signal).toBe(9);
    expect(readExit(request.dir)?.exitCode).toBe(137);
    await until(() => hasEnded(started.monitor), 'its monitor has ended');
  });
});
