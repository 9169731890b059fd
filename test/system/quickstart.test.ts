/**
 * Needs: a checkout in which the quickstart has run once (npm packages, dist/ and a guest kernel: npm test makes them), and
 * root for what it starts.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findProgram } from '../../src/base/find-program.js';
import { cachedKernels } from '../../src/vm/kernel.js';
import { needs } from '../skips.js';

const root = resolve(import.meta.dirname, '../..');
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vlab-quickstart-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('the second time it is ready in 3 seconds, asks nothing, and ends by naming the files', async (context) => {
  needs(context, 'qemu', findProgram('qemu-system-x86_64') !== undefined);
  needs(context, 'runc', findProgram('runc') !== undefined);
  needs(context, 'busybox-static', findProgram('busybox') !== undefined);
  needs(context, 'kernel', (await cachedKernels()).length > 0);
  const words = ['--only', 'process', '--runs', '1', '--results', join(folder, 'r'), '--reports', join(folder, 'p')];
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'scripts/quickstart.mjs'), ...words], {
    cwd: folder,
    encoding: 'utf8',
    input: '',
  });
  expect(status, stderr).toBe(0);
  expect(stdout).not.toContain('Building');
  expect(stdout).not.toContain('Installing');
  const [, seconds] = /Set-up took ([\d.]+) s/.exec(stdout) ?? [];
  expect(Number(seconds)).toBeLessThan(3);
  const [run = ''] = readdirSync(join(folder, 'r'));
  for (const path of [join(folder, 'p', run, 'index.html'), join(folder, 'r', run, 'trials.csv')]) {
    expect(existsSync(path), path).toBe(true);
    expect(stdout.trimEnd().split('\n').slice(-4).join('\n')).toContain(path);
  }
});
