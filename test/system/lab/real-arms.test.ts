// Real arms through the bench as a command. Needs namespaces: root, or user namespaces for everyone.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { loadDriver } from '../../../src/drivers/registry.js';
import { readManifest, readRows } from '../../../src/lab/run-folder.js';
import { leftSince, machineState } from '../../conformance/machine-state.js';
import { needs } from '../../skips.js';
import { startVlab, workFolder } from './vlab-command.js';

const ready = (await (await loadDriver('container')).probe()).ready;

test('the A/A scenario runs for real, and prints the interval of its ratio', async (context) => {
  needs(context, 'user namespaces', ready);
  const dir = workFolder();
  const before = machineState();
  const { code, stdout, stderr } = await startVlab(['bench', 'null', '--runs', '8'], dir).ended;
  expect(stderr).not.toMatch(/left behind|not cleaned up/);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^b +8 .*\(\d[\d.]* to \d[\d.]*\)/m);
  const [run = ''] = readdirSync(join(dir, 'results'));
  const rows = await readRows(join(dir, 'results', run));
  expect(rows.filter(({ metric, outcome, warmup }) => metric === 'ready' && outcome === 'ok' && !warmup)).toHaveLength(
    16,
  );
  expect(leftSince(before)).toEqual({});
});

test('an image is the same bytes for all arms, and a run of the copy that it keeps starts them again', async (context) => {
  needs(context, 'user namespaces', ready);
  const dir = workFolder();
  const words = ['bench', '-d', 'process,container', '--runs', '2', '--image', 'probe', '--', '/probe', 'hello'];
  expect((await startVlab(words, dir).ended).code).toBe(0);
  const [run = ''] = readdirSync(join(dir, 'results'));
  const { payload } = await readManifest(join(dir, 'results', run));
  expect(payload.rootfsDigest).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(payload.image).toBe(`docker.io/library/probe@${payload.rootfsDigest}`);
  const copy = join(dir, 'results', run, 'scenario.yaml');
  expect(readFileSync(copy, 'utf8')).toContain(`image: ${payload.image}\n`);
  expect((await startVlab(['bench', copy], dir).ended).code).toBe(0);
  const others = readFileSync(copy, 'utf8').replace(/sha256:\w+/, `sha256:${'1'.repeat(64)}`);
  writeFileSync(join(dir, 'others.yaml'), others);
  const refused = await startVlab(['bench', 'others.yaml'], dir).ended;
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain(`make probe as ${payload.rootfsDigest}, not as sha256:111`);
});

test('Ctrl-C while a real program runs ends the bench within 2 s and leaves nothing behind', async (context) => {
  needs(context, 'user namespaces', ready);
  const dir = workFolder();
  const before = machineState();
  const words = [
    'bench',
    '-d',
    'container,process',
    '-w',
    '0',
    '--ready',
    'first-byte',
    '--deadline',
    '60s',
    '--',
    '/probe',
    'sleep',
    '2',
  ];
  const bench = startVlab(words, dir);
  await bench.seen(/trial 1 of/);
  await sleep(500);
  const stoppedAt = performance.now();
  bench.child.kill('SIGINT');
  expect((await bench.ended).code).toBe(130);
  expect(performance.now() - stoppedAt).toBeLessThan(2000);
  const [run = ''] = readdirSync(join(dir, 'results'));
  expect(await readManifest(join(dir, 'results', run))).toMatchObject({
    partial: true,
    partialReason: 'interrupted by SIGINT',
  });
  expect(leftSince(before)).toEqual({});
});
