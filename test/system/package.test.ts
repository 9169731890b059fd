/** Needs: the built dist/, npm with its registry or a filled cache, a C compiler, root for the container. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { needs } from '../skips.js';

const root = resolve(import.meta.dirname, '../..');
let folder = '';
let files: string[] = [];
let installed = false;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vlab-package-'));
  // dist/ is there already; what would build it again is left out, as it is for whoever blocks install scripts.
  const packed = npm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder], root);
  expect(packed.status, packed.stderr).toBe(0);
  const [tarball] = JSON.parse(packed.stdout) as { files: { path: string }[]; filename: string }[];
  files = tarball?.files.map(({ path }) => path) ?? [];
  const options = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
  installed =
    npm(
      ['install', '--global', '--prefix', join(folder, 'prefix'), ...options, join(folder, tarball?.filename ?? '')],
      folder,
    ).status === 0;
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function npm(words: string[], cwd: string) {
  return spawnSync('npm', words, { cwd, encoding: 'utf8', timeout: 120_000 });
}

/** The installed command, in a folder that is no checkout, with caches of its own. */
function vlab(words: string[]) {
  return spawnSync(join(folder, 'prefix/bin/vlab'), words, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, VLAB_CACHE_DIR: join(folder, 'cache'), VLAB_RUN_DIR: join(folder, 'run') },
  });
}

it('the tarball holds the bundle, the manifest, the C sources and the scenarios, and no tests or sources of the rest', () => {
  for (const path of [
    'bin/vlab.cjs',
    'dist/start.cjs',
    'dist/help.txt',
    'oclif.manifest.json',
    'src/sys/vlab-init.c',
    'src/sys/probe.c',
    'scenarios/quickstart.yaml',
    'LICENSE',
    'README.md',
  ])
    expect(files).toContain(path);
  expect(files.filter((path) => path.endsWith('.ts') || path.startsWith('test/'))).toEqual([]);
});

describe('installed globally, with install scripts blocked', () => {
  it('prints help and version', (context) => {
    needs(context, 'npm', installed);
    expect(vlab(['--help']).stdout).toContain('COMMANDS');
    expect(vlab(['--version'])).toMatchObject({ status: 0, stderr: '' });
    expect(vlab(['run', '--help']).stdout).toContain('EXAMPLES');
  });

  it('finds the scenarios that it brings along', (context) => {
    needs(context, 'npm', installed);
    expect(vlab(['scenario', 'list']).stdout).toContain('quickstart');
  });

  it('compiles its native parts at first use and runs a container', (context) => {
    needs(context, 'npm', installed);
    const ran = vlab(['run', '--rootfs', 'probe', '/probe', 'hello']);
    expect(ran.stderr).toBe('');
    expect(ran).toMatchObject({ status: 0, stdout: 'hello\n' });
    expect(readdirSync(join(folder, 'cache/native')).length).toBeGreaterThan(0);
    expect(vlab(['clean', '--caches']).status).toBe(0);
    expect(existsSync(join(folder, 'run'))).toBe(false);
  });
});

it('npx vlab works in the checkout', () => {
  const { status, stdout } = spawnSync('npx', ['--offline', '--', 'vlab', '--version'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(stdout).toMatch(/^vlab\/\d/);
  expect(status).toBe(0);
});
