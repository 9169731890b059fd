import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BrokenError } from '../../../src/oci/container-errors.js';
import { locked, makersToken, placeTaken } from '../../../src/oci/lock.js';
import {
  makeDirectories,
  makeDirectoryWhole,
  removeDirectoryWhole,
  wholeDirectories,
} from '../../../src/oci/whole-directory.js';
import { thisProcess } from '../../../src/sys/owners.js';

/** A process that cannot be: pid 1 began at another time. */
const DEAD = '1.999999999999.0';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vlab-lock-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('a lock', () => {
  it('is had by one at a time', async () => {
    writeFileSync(join(root, 'lock'), '');
    let [inside, most] = [0, 0];
    const work = async () => {
      most = Math.max(most, ++inside);
      await sleep(3);
      inside--;
    };
    await Promise.all(Array.from({ length: 8 }, () => locked(root, work)));
    expect(most).toBe(1);
    expect(readdirSync(root)).toEqual(['lock']);
  });

  it('is released when the work fails', async () => {
    writeFileSync(join(root, 'lock'), '');
    await expect(locked(root, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await locked(root, async () => readdirSync(root))).toHaveLength(1);
  });

  it('of a dead holder is taken over, by one of several', async () => {
    writeFileSync(join(root, `lock.${DEAD}`), '');
    let times = 0;
    await Promise.all(Array.from({ length: 4 }, () => locked(root, async () => void times++)));
    expect(times).toBe(4);
    expect(readdirSync(root)).toEqual(['lock']);
  });

  it('of a maker is held until it is done, and then free', async () => {
    const [partial, place] = [join(root, 'partial'), join(root, 'place')];
    mkdirSync(partial);
    const release = placeTaken(partial, place);
    expect(readdirSync(partial)).toEqual([makersToken(thisProcess())]);
    renameSync(partial, place);
    let done = false;
    const other = locked(place, async () => done);
    await sleep(10);
    done = true;
    release();
    expect(await other).toBe(true);
    release(); // once more does no harm
    expect(readdirSync(place)).toEqual(['lock']);
  });

  it('may go with its directory, by the work itself or by others', async () => {
    writeFileSync(join(root, 'lock'), '');
    await locked(root, async () => rmSync(root, { recursive: true }));
    await expect(locked(root, async () => {})).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('that is not there at all is told', async () => {
    await expect(locked(root, async () => {})).rejects.toThrow(BrokenError);
  });
});

describe('a directory', () => {
  const place = () => ({ root, name: 'one' });

  it('appears whole, once, and goes whole', () => {
    const fill = (directory: string) => writeFileSync(join(directory, 'file'), 'x');
    expect(makeDirectoryWhole(place(), fill)).toBe(true);
    expect(makeDirectoryWhole(place(), fill)).toBe(false);
    expect(readdirSync(root)).toEqual(['one']);
    removeDirectoryWhole(place());
    removeDirectoryWhole(place());
    expect(readdirSync(root)).toEqual([]);
  });

  it('that cannot be filled leaves nothing', () => {
    const fill = () => {
      throw new Error('full');
    };
    expect(() => makeDirectoryWhole(place(), fill)).toThrow('full');
    expect(readdirSync(root)).toEqual([]);
  });

  it('that a dead process was making is removed, others are left alone', () => {
    const { pid, startTime } = thisProcess();
    for (const name of [`,${DEAD}`, `,${pid}.${startTime}.7`, ',mine', 'one']) mkdirSync(join(root, name));
    expect(wholeDirectories(root)).toEqual(['one']);
    expect(readdirSync(root).sort()).toEqual([',mine', `,${pid}.${startTime}.7`, 'one'].sort());
    expect(wholeDirectories(join(root, 'nowhere'))).toEqual([]);
  });

  it('is made with what is missing above it, or not at all', () => {
    makeDirectories(join(root, 'a/b/c'));
    makeDirectories(join(root, 'a/b/c'));
    expect(readdirSync(join(root, 'a/b'))).toEqual(['c']);
    writeFileSync(join(root, 'file'), '');
    expect(() => makeDirectories(join(root, 'file/below'))).toThrow('ENOTDIR');
    expect(() => makeDirectories('/proc/vlab/below')).toThrow(/ENOENT|EACCES|EPERM/); // and it ends
  });
});
