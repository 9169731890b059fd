/** Needs: the built dist/, a C compiler, and root for the cgroups. Uses a run directory of its own. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cgroupPlaces, usualPlaces } from '../../src/container/cgroup/places.js';
import { readCgroupLayout } from '../../src/host/cgroup-layout.js';
import { startTimeOf } from '../../src/sys/owners.js';
import { isRoot, needs } from '../skips.js';

const root = resolve(import.meta.dirname, '../..');
const bin = join(root, 'bin/vlab.cjs');
let runDir = '';

beforeEach(() => {
  runDir = mkdtempSync(join(isRoot ? '/run' : tmpdir(), 'vlab-t'));
});
afterEach(() => {
  vlab(['clean']);
  rmSync(runDir, { recursive: true, force: true });
});

interface CleanReport {
  removed: { kind: string; id?: string; name?: string; path?: string; pid?: number }[];
  kept: { what: string; why: string }[];
}

function vlab(words: string[], env: NodeJS.ProcessEnv = {}) {
  return spawnSync(process.execPath, [bin, ...words], {
    encoding: 'utf8',
    env: { ...process.env, VLAB_RUN_DIR: runDir, ...env },
  });
}

function clean(...flags: string[]): CleanReport {
  const { stdout, stderr, status } = vlab(['clean', '--json', ...flags]);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const report = JSON.parse(stdout) as CleanReport;
  // Cgroups of other run directories of this machine are named as kept, whatever they are.
  return { ...report, kept: report.kept.filter(({ what }) => !what.startsWith('cgroup ')) };
}

/** A record as a vlab would have left it that was killed, or that still lives. */
function writeOwner(id: string, owner: { pid: number; startTime: string }, paths: string[], cgroups: string[] = []) {
  mkdirSync(join(runDir, 'owners'), { recursive: true, mode: 0o700 });
  writeFileSync(join(runDir, 'owners', `${id}.json`), JSON.stringify({ id, owner, cgroups, paths }));
}

const dead = { pid: 2 ** 22, startTime: '1' };

describe('vlab clean', () => {
  it('finds nothing where nothing was left', () => {
    expect(clean()).toMatchObject({ removed: [], kept: [] });
  });

  it('removes what a dead owner left, and says so before with --dry-run', () => {
    const left = join(runDir, 'trials', 'vlab-dead');
    mkdirSync(left, { recursive: true });
    writeOwner('vlab-dead', dead, [left]);
    expect(clean('--dry-run').removed).toContainEqual(expect.objectContaining({ kind: 'owner', id: 'vlab-dead' }));
    expect(existsSync(left)).toBe(true);
    clean();
    expect(existsSync(runDir)).toBe(false);
  });

  it('never touches what a living owner has', () => {
    const [kept, left] = [join(runDir, 'trials', 'vlab-alive'), join(runDir, 'trials', 'vlab-dead')];
    for (const path of [kept, left]) mkdirSync(path, { recursive: true });
    writeOwner('vlab-alive', { pid: process.pid, startTime: startTimeOf(process.pid) ?? '' }, [kept]);
    writeOwner('vlab-dead', dead, [left]);
    const { kept: said } = clean();
    expect(said).toEqual([{ what: 'vlab-alive', why: `its owner, process ${process.pid}, is alive` }]);
    expect(readdirSync(join(runDir, 'trials'))).toEqual(['vlab-alive']);
    expect(readdirSync(join(runDir, 'owners'))).toEqual(['vlab-alive.json']);
  });

  it('kills what runs on in a cgroup of a dead owner, and removes the cgroup', async (context) => {
    needs(context, 'root', isRoot);
    const parents = usualPlaces(cgroupPlaces(readCgroupLayout(), true)).map(({ parent }) => parent);
    const cgroups = parents.map((parent) => join(parent, `vlab-test-${process.pid}`));
    const sleeper = spawn('sleep', ['600'], { stdio: 'ignore' });
    for (const directory of cgroups) {
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, 'cgroup.procs'), String(sleeper.pid));
    }
    const ended = once(sleeper, 'exit');
    try {
      writeOwner('vlab-dead', dead, [], cgroups);
      clean();
      expect(await ended).toEqual([null, 'SIGKILL']);
      expect(cgroups.filter((directory) => existsSync(directory))).toEqual([]);
    } finally {
      sleeper.kill('SIGKILL');
      await ended;
      for (const directory of cgroups.filter((path) => existsSync(path))) rmdirSync(directory);
    }
  });

  it('takes an old empty cgroup that nobody names, and leaves a young one', (context) => {
    needs(context, 'root', isRoot);
    const [{ parent } = { parent: '' }] = usualPlaces(cgroupPlaces(readCgroupLayout(), true));
    const [old, young] = ['old', 'young'].map((age) => join(parent, `vlab-${age}-${process.pid}`)) as [string, string];
    for (const directory of [old, young]) mkdirSync(directory, { recursive: true });
    try {
      const longAgo = Date.now() / 1000 - 3600;
      utimesSync(old, longAgo, longAgo);
      clean();
      expect(existsSync(old)).toBe(false);
      expect(existsSync(young)).toBe(true);
    } finally {
      for (const directory of [old, young].filter((path) => existsSync(path))) rmdirSync(directory);
    }
  });

  it('stops an idle launcher and leaves no trace of it', (context) => {
    needs(context, 'root', isRoot);
    const folders = ['--results', join(runDir, 'results'), '--reports', join(runDir, 'reports')];
    const bench = vlab(['bench', '-d', 'process', '--runs', '1', '-w', '0', ...folders, '--', '/probe', 'hello']);
    expect(bench.status, bench.stderr).toBe(0);
    const { removed } = clean();
    const launcher = removed.find(({ kind }) => kind === 'launcher');
    expect(launcher?.pid).toBeGreaterThan(1);
    expect(startTimeOf(launcher?.pid ?? 0)).toBeUndefined();
    expect(existsSync(runDir)).toBe(false);
  });

  it('removes the caches only when it is asked to, and only what is its own', () => {
    const cache = mkdtempSync(join(tmpdir(), 'vlab-cache-'));
    try {
      for (const name of ['native', 'precious']) mkdirSync(join(cache, name));
      vlab(['clean'], { VLAB_CACHE_DIR: cache });
      expect(readdirSync(cache).sort()).toContain('native');
      vlab(['clean', '--caches'], { VLAB_CACHE_DIR: cache });
      expect(readdirSync(cache)).toEqual(['precious']);
    } finally {
      rmSync(cache, { recursive: true });
    }
  });
});

interface DoctorReport {
  ok: boolean;
  checks: { id: string; status: 'ok' | 'note' | 'fail'; detail: string; mend?: string }[];
}

describe('vlab doctor', () => {
  it('tests by doing, and every check that does not pass says how to mend it', () => {
    const { status, stdout, stderr } = vlab(['doctor', '--json']);
    const report = JSON.parse(stdout) as DoctorReport;
    expect(stderr).toBe('');
    expect(status).toBe(report.ok ? 0 : 77);
    const ids = report.checks.map(({ id }) => id);
    for (const id of ['compiler', 'namespace.pid', 'cgroup.layout', 'vm.kvm', 'driver.container'])
      expect(ids).toContain(id);
    for (const check of report.checks) {
      expect(check.detail, check.id).not.toBe('');
      if (check.status !== 'ok') expect(check.mend, check.id).toMatch(/^\S.*$/);
    }
    expect(report.ok).toBe(report.checks.every((check) => check.status !== 'fail'));
  });

  it('finds a compiler that does not compile, and names the package', () => {
    const { status, stdout } = vlab(['doctor', '--json'], { CC: 'false', PATH: '/nonexistent' });
    const report = JSON.parse(stdout) as DoctorReport;
    const compiler = report.checks.find(({ id }) => id === 'compiler');
    expect(status).toBe(77);
    expect(compiler).toMatchObject({ status: 'fail' });
    expect(compiler?.mend).toMatch(/install.*gcc|package manager/);
  });
});
