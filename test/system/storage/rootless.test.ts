// A container of an image for somebody who is not root: its layers, a volume, diff and cp. As root it runs as another user. Needs user
// namespaces, and dist/.
import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRoot, needs } from '../../skips.js';
import { BIN } from '../container/vlab-run.js';
import { putBusybox } from './layers-for-tests.js';

const NOBODY = 65534;
const wrapper = isRoot ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : [];
const [first = 'unshare', ...others] = [...wrapper, 'unshare', '-Urm', 'true'];
const allowed = spawnSync(first, others).status === 0;

let home: string;
beforeEach((context) => {
  needs(context, 'user namespaces', allowed);
  home = mkdtempSync(join(tmpdir(), 'vlab-nr-'));
  const tree = join(home, 'tree');
  putBusybox(tree);
  mkdirSync(join(tree, 'srv/old'), { recursive: true });
  writeFileSync(join(tree, 'srv/seed'), 'seed\n');
  writeFileSync(join(tree, 'srv/old/below'), '');
  execFileSync('tar', ['-C', tree, '-cf', join(home, 'tree.tar'), '.']);
  if (isRoot) chownSync(home, NOBODY, NOBODY);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function vlab(...words: string[]): string {
  const [command = '', ...args] = [...wrapper, process.execPath, BIN, ...words];
  const env = {
    ...{ PATH: process.env.PATH, HOME: home, VLAB_DATA_DIR: join(home, 'data') },
    ...{ VLAB_RUN_DIR: join(home, 'run'), VLAB_CACHE_DIR: join(home, 'cache') },
  };
  const { status, stdout, stderr } = spawnSync(command, args, { env, encoding: 'utf8', cwd: '/' });
  expect(status, `${words.join(' ')}: ${stderr}`).toBe(0);
  return stdout;
}

describe('without root', () => {
  it('layers, volumes and copies work, and all goes again', () => {
    vlab('import', join(home, 'tree.tar'), 'own:1');
    const script = 'cat /data/seed; echo n > /new; rm -r /srv/old; mkdir /srv/old; echo own > /srv/old/file';
    // The first that has the volume fills it.
    vlab('create', '--name', 'ctr', '-v', 'vol:/srv', 'own:1', '/bin/sh');
    vlab('rm', 'ctr');
    const run = ['--network', 'none', '--name', 'ctr', '-v', 'vol:/data', 'own:1', '/bin/sh', '-ec', script];
    expect(vlab('run', ...run)).toBe('seed\n');
    expect(vlab('diff', 'ctr').trim().split('\n').sort()).toEqual([
      'A /new',
      'A /srv/old/file',
      'C /srv',
      'C /srv/old',
      'D /srv/old/below',
    ]);
    vlab('cp', 'ctr:/new', join(home, 'out'));
    expect(readFileSync(join(home, 'out'), 'utf8')).toBe('n\n');
    vlab('cp', join(home, 'out'), 'ctr:/srv/in');
    expect(vlab('cp', 'ctr:/srv/in', '-')).toContain('n\n');
    vlab('rm', '-v', 'ctr');
    vlab('volume', 'rm', 'vol');
    vlab('rmi', 'own:1');
  });
});
