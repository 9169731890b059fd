import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../../src/base/exec.js';
import { findProgram } from '../../../src/base/find-program.js';
import { needs } from '../../skips.js';

let folder = '';
let env: NodeJS.ProcessEnv = {};
const vlab = (...words: string[]) => run(process.execPath, ['bin/vlab.cjs', ...words], { env });

beforeAll(() => {
  folder = mkdtempSync('/tmp/vmk');
  env = { VLAB_DATA_DIR: join(folder, 'd'), VLAB_RUN_DIR: join(folder, 'r') };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('vlab image make', () => {
  it.each(['busybox', 'probe'])('makes %s, the same each time, and whole', async (maker) => {
    const first = await vlab('image', 'make', maker);
    expect(first).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) });
    expect((await vlab('image', 'make', maker, '--tag', `again/${maker}:v1`)).stdout).toBe(first.stdout);
    const { stdout } = await vlab('image', 'inspect', `again/${maker}:v1`);
    expect(JSON.parse(stdout)[0]).toMatchObject({ Id: first.stdout, Os: 'linux' });
    expect((await vlab('image', 'verify')).exitCode).toBe(0);
  });

  it('makes another where SOURCE_DATE_EPOCH is another, and none where it is no time', async () => {
    const { stdout } = await vlab('image', 'make', 'probe');
    env.SOURCE_DATE_EPOCH = '1700000000';
    expect((await vlab('image', 'make', 'probe')).stdout).not.toBe(stdout);
    env.SOURCE_DATE_EPOCH = 'never';
    expect(await vlab('image', 'make', 'probe')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('SOURCE_DATE_EPOCH'),
    });
    delete env.SOURCE_DATE_EPOCH;
  });

  it('makes something that skopeo reads', async (context) => {
    needs(context, 'umoci', findProgram('skopeo') !== undefined);
    await vlab('image', 'make', 'busybox');
    const image = `oci:${join(folder, 'd', 'images')}:docker.io/library/busybox:latest`;
    const { stdout } = await run('skopeo', ['inspect', '--config', '--raw', image]);
    expect(JSON.parse(stdout)).toMatchObject({ os: 'linux', config: { Cmd: ['sh'] } });
  });

  it('refuses a maker that it has not, and a suite that is none', async () => {
    expect((await vlab('image', 'make', 'windows')).exitCode).not.toBe(0);
    expect(await vlab('image', 'make', 'debian', '--suite', '../x')).toMatchObject({ exitCode: 2 });
  });
});
