import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OciSeccomp } from '../../../../src/container/config/schema.js';
import { seccompFilter } from '../../../../src/container/seccomp/seccomp-filter.js';
import { needs } from '../../../skips.js';
import { isInstalled } from './ask-here.js';

let cache: string;
const before = process.env.VLAB_CACHE_DIR;
beforeEach((context) => {
  needs(context, 'libseccomp', isInstalled);
  cache = mkdtempSync(join(tmpdir(), 'vlab-kept-'));
  process.env.VLAB_CACHE_DIR = cache;
});
afterEach(() => {
  if (before === undefined) delete process.env.VLAB_CACHE_DIR;
  else process.env.VLAB_CACHE_DIR = before;
  rmSync(cache, { recursive: true });
});

const profile = (errnoRet: number): OciSeccomp => ({
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet }],
});
const kept = () => readdirSync(join(cache, 'seccomp'));

describe('a filter', () => {
  it('is compiled once, and read from then on', async () => {
    const one = profile(3);
    const first = await seccompFilter(one, 'x86_64');
    expect(kept()).toHaveLength(1);
    rmSync(join(cache, 'seccomp'), { recursive: true });
    expect(await seccompFilter(one, 'x86_64')).toBe(first);
    expect(await seccompFilter(profile(3), 'x86_64')).toBe(first); // the same words in another object
    expect(readdirSync(cache)).toEqual([]);
  });

  it('of another profile is another one', async () => {
    const [four, five] = [await seccompFilter(profile(4), 'x86_64'), await seccompFilter(profile(5), 'x86_64')];
    expect(Buffer.from(four.program).equals(five.program)).toBe(false);
    expect(kept()).toHaveLength(2);
  });

  it('that is kept makes room when there are too many', async () => {
    mkdirSync(join(cache, 'seccomp'));
    for (let age = 0; age < 600; age++) {
      const path = join(cache, 'seccomp', `${age}.json`);
      writeFileSync(path, '{}');
      utimesSync(path, 1e6 - age, 1e6 - age);
    }
    await seccompFilter(profile(6), 'x86_64');
    const names = kept();
    expect(names.length).toBe(251);
    expect(names).toContain('0.json');
    expect(names).not.toContain('599.json');
  });
});
