// vlab build for somebody who is not root. As root it runs as another user. Needs user namespaces, and dist/.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findProgram } from '../../../src/base/find-program.js';
import { isRoot, needs } from '../../skips.js';
import { BIN } from '../container/vlab-run.js';
import { hasBusybox } from './build-room.js';

const NOBODY = 65534;
const wrapper = isRoot ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : [];
const [first = 'unshare', ...others] = [...wrapper, 'unshare', '-Urm', 'true'];
const allowed = spawnSync(first, others).status === 0;

let home: string;
beforeEach((context) => {
  needs(context, 'user namespaces', allowed);
  needs(context, 'busybox-static', hasBusybox);
  home = mkdtempSync('/tmp/vbn');
  mkdirSync(join(home, 'context'));
  copyFileSync(findProgram('busybox') ?? '', join(home, 'context', 'busybox'));
  if (isRoot) chownSync(home, NOBODY, NOBODY);
  chmodSync(home, 0o755);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function vlab(...words: string[]) {
  const [command = '', ...args] = [...wrapper, process.execPath, BIN, ...words];
  const env = {
    ...{ PATH: process.env.PATH, HOME: home, VLAB_DATA_DIR: join(home, 'data') },
    ...{ VLAB_RUN_DIR: join(home, 'run'), VLAB_CACHE_DIR: join(home, 'cache') },
  };
  return spawnSync(command, args, { env, encoding: 'utf8', cwd: '/' });
}

function dockerfile(...lines: string[]): string {
  writeFileSync(join(home, 'context', 'Dockerfile'), `${lines.join('\n')}\n`);
  return join(home, 'context');
}

const FIRST = ['FROM scratch AS first', 'COPY busybox /bin/busybox', 'RUN ["/bin/busybox", "--install", "-s", "/bin"]'];

describe('without root', () => {
  it('an image is built whose files are root’s', () => {
    const context = dockerfile(
      ...FIRST,
      'RUN mkdir /d && echo x > /d/x && rm /bin/vi',
      'FROM first',
      'COPY --from=first /bin/busybox /b/',
    );
    const built = vlab('build', '--network', 'none', '-t', 'built', context);
    expect(built.status, built.stderr).toBe(0);
    const { stdout, stderr } = vlab(
      'run',
      '--rm',
      '--network',
      'none',
      'built',
      'stat',
      '-c',
      '%u:%g',
      '/b/busybox',
      '/bin/sh',
    );
    expect(stdout, stderr).toBe('0:0\n0:0\n');
  });

  it('files cannot be given to others', () => {
    const { status, stderr } = vlab('build', dockerfile('FROM scratch', 'COPY --chown=1:2 busybox /'));
    expect(status).toBe(77);
    expect(stderr).toContain('only root can give files to the user 1:2');
  });
});
