// The walk through a container tool in README.md, line by line. Needs the built dist/, root, nft and ip.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { findProgram } from '../../../src/base/find-program.js';
import { packageRoot } from '../../../src/base/paths.js';
import { isRoot, needs } from '../../skips.js';
import { EngineRoom } from './engine-room.js';

function linesOfReadme(): string[] {
  const readme = readFileSync(join(packageRoot(), 'README.md'), 'utf8');
  const block = /readme\.test\.ts runs these lines\. -->\n```\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
  return block.split('\n').filter(Boolean);
}

it('each line of the walk through does what it shows', async (context) => {
  needs(context, 'root', isRoot);
  needs(context, 'busybox-static', existsSync('/bin/busybox'));
  needs(context, 'nftables', findProgram('nft') !== undefined && findProgram('ip') !== undefined);
  const room = new EngineRoom();
  onTestFinished(async () => await room[Symbol.asyncDispose]());
  const lines = linesOfReadme();
  expect(lines.length).toBeGreaterThan(7);
  const vlab = `node ${join(packageRoot(), 'bin/vlab.cjs')}`;
  const script = [
    'set -e',
    'ip link set lo up',
    `vlab() { ${vlab} "$@"; }`,
    ...lines.flatMap((line) => [`echo "== ${line.split(' ').slice(0, 2).join(' ')}"`, line]),
    'vlab ps -aq',
    'vlab network rm shop',
    'vlab rmi busybox',
    'vlab clean > /dev/null',
  ];
  // Rules and bridges are the namespace's, and go with it.
  const ran = spawnSync('unshare', ['--net', 'bash', '-c', script.join('\n')], { env: room.env, encoding: 'utf8' });
  expect(ran.stderr).toBe('');
  expect(ran.status).toBe(0);
  expect(ran.stdout).toContain('== vlab run\nhello\n');
  expect(ran.stdout).toMatch(/== vlab exec\nPID +USER.*\n +1 root .*httpd/);
  expect(ran.stdout).toMatch(/== vlab stop\nweb\n== vlab rm\nweb\nshop\n/);
}, 60_000);
