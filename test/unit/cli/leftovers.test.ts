import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chooseLeftovers, type Seen, type SeenOwner } from '../../../src/cli/clean/leftovers.js';
import { CACHE_FOLDERS } from '../../../src/cli/clean/look-around.js';

const src = join(import.meta.dirname, '../../../src');

const nothing: Seen = {
  runDir: '/run/vlab',
  runEntries: [],
  owners: [],
  cgroups: [],
  launchers: [],
  caches: [],
};
const owner = (id: string, alive: boolean): SeenOwner => ({
  id,
  alive,
  pid: 7,
  cgroups: [`/cg/vlab/${id}*`],
  paths: [`/run/vlab/trials/${id}`],
});
const cgroup = (name: string, pids: number[], ageSeconds: number) => ({
  name,
  directories: [`/cg/memory/vlab/${name}`, `/cg/cpu/vlab/${name}`],
  pids,
  ageSeconds,
});

describe('what vlab clean chooses', () => {
  it('is nothing on a clean machine', () => {
    expect(chooseLeftovers(nothing)).toEqual({ remove: [], keep: [] });
  });

  it('takes all of the run directory, its dead owners and an idle launcher', () => {
    const { remove, keep } = chooseLeftovers({
      ...nothing,
      runEntries: ['/run/vlab/owners', '/run/vlab/trials'],
      owners: [owner('vlab-a', false)],
      launchers: [{ directory: '/run/vlab/launcher-1', pid: 9, children: [] }],
    });
    expect(remove.map(({ kind }) => kind)).toEqual(['owner', 'launcher', 'run', 'run']);
    expect(keep).toEqual([]);
  });

  it('never touches a live owner, its cgroups, the run directory it uses or the launcher that serves it', () => {
    const { remove, keep } = chooseLeftovers({
      ...nothing,
      runEntries: ['/run/vlab/owners', '/run/vlab/trials'],
      owners: [owner('vlab-a', true), owner('vlab-b', false)],
      cgroups: [cgroup('vlab-a1', [], 999), cgroup('vlab-b1', [], 999)],
      launchers: [{ directory: '/run/vlab/launcher-1', pid: 9, children: [] }],
    });
    expect(remove).toEqual([expect.objectContaining({ kind: 'owner', id: 'vlab-b' })]);
    expect(keep).toEqual([{ what: 'vlab-a', why: 'its owner, process 7, is alive' }]);
  });

  it('keeps a launcher that has processes, and what they may use', () => {
    const { remove, keep } = chooseLeftovers({
      ...nothing,
      runEntries: ['/run/vlab/trials'],
      launchers: [{ directory: '/run/vlab/launcher-1', pid: 9, children: [10, 11] }],
    });
    expect(remove).toEqual([]);
    expect(keep).toEqual([{ what: 'launcher 9', why: 'it has 2 processes' }]);
  });

  it('takes a cgroup that nobody claims only when it is empty and old', () => {
    const { remove, keep } = chooseLeftovers({
      ...nothing,
      cgroups: [cgroup('old', [], 61), cgroup('young', [], 3), cgroup('full', [42], 999)],
    });
    expect(remove).toEqual([expect.objectContaining({ kind: 'cgroup', name: 'old' })]);
    expect(keep.map(({ what }) => what)).toEqual(['cgroup young', 'cgroup full']);
  });

  it("takes the launcher's own cgroup after the launcher, and leaves that of another one", () => {
    const cgroups = [cgroup('launcher', [9], 1)];
    const idle = chooseLeftovers({
      ...nothing,
      cgroups,
      launchers: [{ directory: '/run/vlab/launcher-1', pid: 9, children: [] }],
    });
    expect(idle.remove.map(({ kind }) => kind)).toEqual(['launcher', 'cgroup']);
    expect(chooseLeftovers({ ...nothing, cgroups })).toEqual({ remove: [], keep: [] });
  });

  it('knows every folder that vlab makes in its cache', () => {
    const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
    const sources = files.map((path) => readFileSync(join(src, path), 'utf8'));
    const made = sources.flatMap((text) => [...text.matchAll(/cacheDir\(\), '(.*?)'/g)].map(([, name]) => name));
    expect(made.length).toBeGreaterThan(5);
    for (const name of made) expect(CACHE_FOLDERS).toContain(name);
  });

  it('takes the caches that it was given', () => {
    expect(chooseLeftovers({ ...nothing, caches: ['/var/cache/vlab/native'] }).remove).toEqual([
      { kind: 'cache', path: '/var/cache/vlab/native' },
    ]);
  });
});
