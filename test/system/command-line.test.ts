/** Needs: the built dist/ (npm test builds it). No root. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const bin = join(root, 'bin/vlab.cjs');
const manifest = JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8')) as {
  commands: Record<string, { examples?: unknown[]; flags: Record<string, unknown> }>;
};
let home = '';

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'vlab-home-'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

function vlab(words: string[], env: NodeJS.ProcessEnv = {}) {
  const { FORCE_COLOR: _, ...clean } = process.env;
  return spawnSync(process.execPath, [bin, ...words], {
    encoding: 'utf8',
    env: { ...clean, HOME: home, XDG_CACHE_HOME: join(home, 'cache'), ...env },
  });
}

describe('help', () => {
  it('lists every topic and command, in colour only where it is wanted', () => {
    const plain = vlab(['--help']);
    expect(plain.status).toBe(0);
    for (const id of Object.keys(manifest.commands))
      expect(plain.stdout).toMatch(new RegExp(`^  ${id.split(':')[0]} `, 'm'));
    expect(plain.stdout).not.toContain('\u001b');
    expect(vlab([]).stdout).toBe(plain.stdout);
    expect(vlab(['help']).stdout).toBe(plain.stdout);
    expect(vlab(['--help'], { NO_COLOR: '', FORCE_COLOR: '1' }).stdout).toContain('\u001b[');
  });

  it.each(Object.keys(manifest.commands))('of %s has examples and --json', (id) => {
    expect(manifest.commands[id]?.examples?.length ?? 0, 'examples').toBeGreaterThan(0);
    expect(Object.keys(manifest.commands[id]?.flags ?? {})).toContain('json');
    const { status, stdout, stderr } = vlab([...id.split(':'), '--help']);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toContain(`$ vlab ${id.split(':').join(' ')}`);
    expect(stdout).toContain('EXAMPLES');
  });

  it('prints the version', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(vlab(['--version']).stdout).toContain(`vlab/${version} `);
  });
});

describe('usage errors', () => {
  it('end with 2 and say what is wrong on stderr', () => {
    const { status, stdout, stderr } = vlab(['doctor', '--zip']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe('error: Nonexistent flag: --zip\nhint: see it with --help\n');
  });

  it('are one small document under --json', () => {
    const { status, stdout } = vlab(['doctor', '--json', '--zip']);
    expect(status).toBe(2);
    expect(JSON.parse(stdout)).toEqual({
      error: {
        blame: 'input',
        message: 'Nonexistent flag: --zip',
        hint: 'see it with --help',
        causes: [],
        exitCode: 2,
      },
    });
  });

  it('suggest the command that was meant', () => {
    const { status, stderr } = vlab(['docter']);
    expect(status).toBe(2);
    expect(stderr).toContain('docter is not a vlab command');
    expect(stderr).toContain('hint: vlab doctor\n');
    expect(vlab(['scenario', 'chekc']).stderr).toContain('hint: vlab scenario check\n');
  });
});

it.each([['--help'], ['scenario schema'], ['bench --help']])('vlab %s | head -1 ends quietly', (line) => {
  const pipe = `"${process.execPath}" "${bin}" ${line} | head -n 1 >/dev/null; echo "$\{PIPESTATUS[0]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', pipe], { encoding: 'utf8' });
  expect({ stdout, stderr }).toEqual({ stdout: '0\n', stderr: '' });
});

it('works the same from the code cache, without it, and with a spoilt one', () => {
  const cache = mkdtempSync(join(tmpdir(), 'vlab-code-'));
  try {
    const first = vlab(['scenario', 'schema'], { VLAB_CACHE_DIR: cache });
    const [folder = ''] = spawnSync('ls', [join(cache, 'code')], { encoding: 'utf8' }).stdout.split('\n');
    expect(folder).toMatch(/^vlab-[0-9a-f]+\.cjs-v/);
    const second = vlab(['scenario', 'schema'], { VLAB_CACHE_DIR: cache });
    spawnSync('sh', ['-c', `echo spoilt > ${cache}/code/*/scenario.bin`]);
    const third = vlab(['scenario', 'schema'], { VLAB_CACHE_DIR: cache });
    const nowhere = vlab(['scenario', 'schema'], { VLAB_CACHE_DIR: '/dev/null/nowhere' });
    expect(first.status).toBe(0);
    for (const other of [second, third, nowhere]) {
      expect(other).toMatchObject({ status: 0, stdout: first.stdout, stderr: '' });
    }
  } finally {
    rmSync(cache, { recursive: true });
  }
});

describe.each(['bash', 'zsh'])('completion for %s', (shell) => {
  it('knows the commands', () => {
    const cache = join(home, `completion-${shell}`);
    const made = vlab(['autocomplete', shell], { VLAB_CACHE_DIR: cache });
    expect(made.status).toBe(0);
    const script = vlab(['autocomplete', 'script', shell], { VLAB_CACHE_DIR: cache });
    expect(script.stdout).toContain('AC_');
    const functions = spawnSync('sh', ['-c', `cat ${cache}/autocomplete/functions/${shell}/*`], { encoding: 'utf8' });
    for (const id of Object.keys(manifest.commands)) expect(functions.stdout).toContain(id.split(':').at(-1));
  });
});
