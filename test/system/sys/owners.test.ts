// Records of who owns what, on the real file system and the real process table. The tests of cgroups need root.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cgroupPlaces } from '../../../src/container/cgroup/places.js';
import { readCgroupLayout } from '../../../src/host/cgroup-layout.js';
import {
  isAlive,
  listOwners,
  type OwnerRecord,
  own,
  startTimeOf,
  sweepOwners,
  takeLock,
} from '../../../src/sys/owners.js';
import { isRoot, needs } from '../../skips.js';
import { runs, until } from './own-launcher.js';

const before = process.env.VLAB_RUN_DIR;
let runDir: string;
let owners: string;
let things: string;

beforeEach(() => {
  runDir = mkdtempSync(join(tmpdir(), 'vlab-o'));
  process.env.VLAB_RUN_DIR = runDir;
  owners = join(runDir, 'owners');
  mkdirSync(owners, { mode: 0o700 });
  things = mkdtempSync(join(tmpdir(), 'vlab-things'));
});
afterEach(() => {
  process.env.VLAB_RUN_DIR = before;
  rmSync(runDir, { recursive: true });
  rmSync(things, { recursive: true, force: true });
});

/** A process that has ended and was reaped. */
async function ended(): Promise<OwnerRecord['owner']> {
  const child = spawn('sleep', ['60']);
  const pid = child.pid ?? 0;
  const startTime = startTimeOf(pid) ?? '';
  child.kill('SIGKILL');
  await once(child, 'exit');
  return { pid, startTime };
}

function thing(name: string): string {
  const path = join(things, name);
  mkdirSync(join(path, 'with', 'something'), { recursive: true });
  return path;
}

function record(id: string, owner: OwnerRecord['owner'], owned: Partial<OwnerRecord>): void {
  writeFileSync(join(owners, `${id}.json`), JSON.stringify({ id, owner, cgroups: [], paths: [], ...owned }));
}

const myself = () => ({ pid: process.pid, startTime: startTimeOf(process.pid) ?? '' });

describe('a process', () => {
  it('is known by pid and start time: a reused pid is somebody else', async () => {
    const me = myself();
    expect(Number(me.startTime)).toBeGreaterThan(0);
    expect(isAlive(me)).toBe(true);
    expect(isAlive({ ...me, startTime: String(Number(me.startTime) - 1) })).toBe(false);
    expect(isAlive(await ended())).toBe(false);
  });

  it('may have a name with spaces and parentheses', async () => {
    const path = join(things, 'a) R 1 (b');
    writeFileSync(path, '#!/bin/sh\nsleep 60\n', { mode: 0o755 });
    const child = spawn(path);
    await once(child, 'spawn');
    expect(Number(startTimeOf(child.pid ?? 0))).toBeGreaterThan(Number(myself().startTime));
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
});

describe('a sweep', () => {
  it('removes what dead owners left, and their records, and nothing of the living', async () => {
    const [left, reused, living] = ['left', 'reused', 'living'].map(thing) as [string, string, string];
    record('dead', await ended(), { paths: [left] });
    record('pid-was-reused', { pid: process.pid, startTime: '1' }, { paths: [reused] });
    record('alive', myself(), { paths: [living] });
    const swept = await sweepOwners();
    expect(swept.map(({ id }) => id).sort()).toEqual(['dead', 'pid-was-reused']);
    expect([left, reused, living].map((path) => existsSync(path))).toEqual([false, false, true]);
    expect(readdirSync(owners)).toEqual(['alive.json']);
  });

  it('with nothing to do takes no lock', async () => {
    record('alive', myself(), {});
    expect(await sweepOwners()).toEqual([]);
    expect(existsSync(join(runDir, 'sweep.lock'))).toBe(false);
  });

  it('leaves the work to another that holds the lock', async () => {
    const left = thing('left');
    record('dead', await ended(), { paths: [left] });
    const lock = openSync(join(runDir, 'sweep.lock'), 'a');
    expect(await takeLock(lock)).toBe(true);
    expect(await sweepOwners()).toEqual([]);
    expect(existsSync(left)).toBe(true);
    closeSync(lock);
    expect(await sweepOwners()).toHaveLength(1);
    expect(existsSync(left)).toBe(false);
  });

  it('of two at once one does it, and both end well', async () => {
    for (let i = 0; i < 10; i++) record(`dead-${i}`, await ended(), { paths: [thing(`t${i}`)] });
    const both = await Promise.all([sweepOwners(), sweepOwners(), sweepOwners()]);
    expect(both.map((swept) => swept.length).filter((count) => count > 0)).toEqual([10]);
    expect(readdirSync(things)).toEqual([]);
  });

  it('takes a half-written record of a dead writer away, and touches nothing that it might have named', async () => {
    const kept = thing('kept');
    const text = JSON.stringify({ id: 'x', owner: await ended(), cgroups: [], paths: [kept] });
    writeFileSync(join(owners, 'torn.json'), text.slice(0, -9));
    writeFileSync(join(owners, `.late.json.${(await ended()).pid}`), text.slice(0, 10));
    await sweepOwners();
    expect(readdirSync(owners)).toEqual([]);
    expect(existsSync(kept)).toBe(true);
  });

  it('leaves a record alone that a living process is about to finish', async () => {
    const partial = `.new.json.${process.pid}`;
    writeFileSync(join(owners, partial), '');
    record('dead', await ended(), {});
    await sweepOwners();
    expect(readdirSync(owners)).toEqual([partial]);
  });

  it('follows no link out of what is owned', async () => {
    const target = thing('target');
    const owned = thing('owned');
    symlinkSync(target, join(owned, 'link'));
    record('dead', await ended(), { paths: [owned] });
    await sweepOwners();
    expect([existsSync(owned), existsSync(join(target, 'with'))]).toEqual([false, true]);
  });
});

describe('ownership', () => {
  it('is written before, and ends with the things', async () => {
    const path = thing('mine');
    {
      await using _mine = own('mine', { cgroups: [], paths: [path] });
      expect(listOwners()).toMatchObject([{ id: 'mine', alive: true, owner: myself() }]);
      expect(await sweepOwners()).toEqual([]);
    }
    expect(existsSync(path)).toBe(false);
    expect(readdirSync(owners)).toEqual([]);
  });

  it('can be handed to another process, with whose death it ends', async () => {
    const path = thing('handed');
    const child = spawn('sleep', ['60']);
    await once(child, 'spawn');
    const mine = own('handed', { cgroups: [], paths: [path] });
    mine.handTo(child.pid ?? 0, undefined);
    expect(await sweepOwners()).toEqual([]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await sweepOwners()).toHaveLength(1);
    expect(existsSync(path)).toBe(false);
  });
});

describe('cgroups of a dead owner', () => {
  it('are removed with their children, by pattern too, and what runs in them is ended', async (context) => {
    needs(context, 'root', isRoot);
    const place = cgroupPlaces(readCgroupLayout(), true).find(({ controllers }) => controllers.includes('pids'));
    if (!place) throw new Error('no pids cgroup here');
    const name = `vlab-test-${process.pid}`;
    const [first, second, other] = [`${name}-1`, `${name}-2`, `other-${name}`].map((one) =>
      join(place.parent, one),
    ) as [string, string, string];
    mkdirSync(join(first, 'child'), { recursive: true });
    mkdirSync(second);
    mkdirSync(other);
    const child = spawn('sleep', ['60']);
    await once(child, 'spawn');
    writeFileSync(join(first, 'child', 'cgroup.procs'), String(child.pid));
    record('dead', await ended(), { cgroups: [join(place.parent, `${name}*`)] });
    await sweepOwners();
    expect([first, second, other].map((path) => existsSync(path))).toEqual([false, false, true]);
    await until(() => !runs(child.pid ?? 0), 'the process in it has ended');
    rmdirSync(other);
  });
});
