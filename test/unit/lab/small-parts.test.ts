import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { editDistance, nearest } from '../../../src/base/nearest.js';
import { adHocScenario, labelsOf } from '../../../src/lab/ad-hoc.js';
import { bounded, DriverStuck } from '../../../src/lab/bounded.js';
import { newThings } from '../../../src/lab/leak-check.js';
import { parseScenario } from '../../../src/lab/parse-scenario.js';
import { pinned } from '../../../src/lab/pinned.js';
import { parsePressure } from '../../../src/lab/pressure.js';
import { parseDuration, parseSize } from '../../../src/lab/quantity.js';
import { digestTree, openRootfs, programSha256, resolveInside } from '../../../src/lab/rootfs.js';
import { matchesOutput } from '../../../src/lab/scenario.js';
import { TimeLeft } from '../../../src/lab/time-left.js';
import { temporaryDir } from './fixtures.js';

test.each([
  ['10s', 10_000],
  ['1.5m', 90_000],
  ['250ms', 250],
  ['10', undefined],
  ['s', undefined],
  ['-1s', undefined],
  ['1 s', undefined],
])('the time %s is %s ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each([
  ['64MiB', 64 * 1024 ** 2],
  ['0.5GiB', 512 * 1024 ** 2],
  ['4KiB', 4096],
  ['64MB', undefined],
  ['64', undefined],
])('the size %s is %s bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test('the nearest word is one that a person may have meant, or none', () => {
  const words = ['blocks', 'baseline', 'warmup', 'deadline'];
  expect(nearest('blcoks', words)).toBe('blocks');
  expect(nearest('BLOCKS', words)).toBe('blocks');
  expect(nearest('base-line', words)).toBe('baseline');
  expect(nearest('colour', words)).toBeUndefined();
  expect(nearest('vn', ['vm', 'runc'])).toBeUndefined();
  expect(editDistance('ab', 'ba')).toBe(1);
  expect(editDistance('', 'abc')).toBe(3);
  expect(editDistance('kitten', 'sitting')).toBe(3);
});

test('expected output is exact text, or a regular expression between slashes', () => {
  expect(matchesOutput('hello\n', 'hello\n')).toBe(true);
  expect(matchesOutput('hello\n', 'hello')).toBe(false);
  expect(matchesOutput('/^h.*o$/', 'hello')).toBe(true);
  expect(matchesOutput('/x/', 'hello')).toBe(false);
  expect(matchesOutput('/', '/')).toBe(true);
  expect(matchesOutput('', '')).toBe(true);
  expect(matchesOutput(undefined, 'anything')).toBe(true);
});

test('links inside a root file system never lead out of it', async () => {
  const root = temporaryDir();
  mkdirSync(join(root, 'bin'));
  writeFileSync(join(root, 'bin', 'busybox'), 'x');
  symlinkSync('/bin/busybox', join(root, 'bin', 'sh'));
  symlinkSync('../../../../../bin/busybox', join(root, 'bin', 'up'));
  symlinkSync('/bin', join(root, 'sbin'));
  symlinkSync('loop', join(root, 'loop'));
  for (const path of ['/bin/sh', '/sbin/sh', '/bin/up', '/bin/../bin/./busybox']) {
    expect(await resolveInside(root, path)).toBe(join(root, 'bin/busybox'));
  }
  expect(await resolveInside(root, '/etc/passwd')).toBeUndefined();
  expect(await resolveInside(root, '/loop')).toBeUndefined();
});

test('a digest changes with a name, a mode, a link and a byte, and with nothing else', async () => {
  const make = (change: (root: string) => void = () => {}): Promise<string> => {
    const root = temporaryDir();
    mkdirSync(join(root, 'bin'));
    writeFileSync(join(root, 'bin', 'a'), 'text');
    symlinkSync('a', join(root, 'bin', 'b'));
    change(root);
    return digestTree(root);
  };
  const digests = await Promise.all([
    make(),
    make((root) => writeFileSync(join(root, 'bin', 'a'), 'texT')),
    make((root) => chmodSync(join(root, 'bin', 'a'), 0o755)),
    make((root) => symlinkSync('a', join(root, 'bin', 'c'))),
    make((root) => mkdirSync(join(root, 'empty'))),
  ]);
  expect(digests[0]).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(new Set(digests).size).toBe(5);
  expect(await make()).toBe(digests[0]);
});

test('a program that is not there, or cannot be executed, is an error of the request', async () => {
  const root = temporaryDir();
  writeFileSync(join(root, 'data'), 'x', { mode: 0o644 });
  await expect(programSha256(root, '/nowhere')).rejects.toMatchObject({ blame: 'input' });
  await expect(programSha256(root, '/data')).rejects.toThrow(/is not executable/);
  await expect(openRootfs({ rootfs: 'nowhere' }, root)).rejects.toThrow(/is no directory/);
});

test('an ad hoc comparison is an ordinary scenario file', async () => {
  const root = temporaryDir();
  mkdirSync(join(root, 'bin'));
  writeFileSync(join(root, 'bin', 'true'), 'x', { mode: 0o755 });
  const text = await adHocScenario({
    drivers: ['fake', 'container', 'fake'],
    files: { rootfs: root },
    command: ['true', '--json', '-x'],
    env: ['A=b=c'],
    options: ['fake-2.medianMs=5'],
    limits: { memory: '64MiB' },
    more: { blocks: 7, ready: 'exit' },
  });
  const { scenario, complaints } = parseScenario(text, 'command line');
  expect(complaints).toEqual([]);
  expect(scenario).toMatchObject({
    blocks: 7,
    ready: 'exit',
    baseline: 'fake',
    payload: { command: ['/bin/true', '--json', '-x'], env: { A: 'b=c' } },
    arms: [
      { label: 'fake', options: {}, limits: { memoryBytes: 64 * 1024 ** 2 } },
      { label: 'container' },
      { label: 'fake-2', driver: 'fake', options: { medianMs: 5 } },
    ],
  });
});

test('an ad hoc comparison that cannot be says what is wrong with it', async () => {
  const adHoc = {
    drivers: ['fake'],
    files: { rootfs: 'probe' },
    command: ['/p'],
    env: [],
    options: [],
    limits: {},
    more: {},
  };
  expect(() => labelsOf(['contaner'])).toThrowError(/no driver `contaner`/);
  await expect(adHocScenario({ ...adHoc, command: [] })).rejects.toThrow(/no program to start/);
  await expect(adHocScenario({ ...adHoc, env: ['A'] })).rejects.toThrow(/--env A is not NAME=VALUE/);
  await expect(adHocScenario({ ...adHoc, options: ['vm.x=1'] })).rejects.toThrow(/does not name an arm/);
  await expect(adHocScenario({ ...adHoc, files: { rootfs: temporaryDir() }, command: ['sh'] })).rejects.toThrow(
    /no program `sh`/,
  );
});

test('a driver is waited for while nobody cancels it, and only so long after', async () => {
  const controller = new AbortController();
  const slow = new Promise((resolve) => setTimeout(() => resolve('done'), 30));
  expect(await bounded(slow, controller.signal, 'it', 5)).toBe('done');
  const deaf = bounded(new Promise(() => {}), controller.signal, 'it', 20);
  controller.abort();
  await expect(deaf).rejects.toBeInstanceOf(DriverStuck);
  const obedient = new Promise((_, reject) => setTimeout(() => reject(new Error('stopped')), 5));
  await expect(bounded(obedient, controller.signal, 'it', 500)).rejects.toThrow('stopped');
});

test('what a trial left behind is named', () => {
  const before = { mounts: new Set(['/ (1)']), interfaces: new Set(['lo']) };
  expect(newThings(before, before)).toEqual([]);
  expect(newThings(before, { mounts: new Set(['/ (1)', '/run/x (9)']), interfaces: new Set(['lo', 'tap0']) })).toEqual([
    'mount /run/x (9) is left',
    'interface tap0 is left',
  ]);
});

test('the time left is what the arms took so far, and their check before that', () => {
  const trial = (arm: string, order: number) => ({ arm, order, block: 0, warmup: false });
  const left = new TimeLeft(
    [trial('a', 0), trial('b', 1), trial('a', 2)],
    new Map([
      ['a', 10],
      ['b', 100],
    ]),
  );
  expect(left.ms).toBe(120);
  left.done('a', 4);
  expect(left.ms).toBe(104);
  left.done('b', undefined);
  expect(left.ms).toBe(4);
  left.done('a', 6);
  expect(left.ms).toBe(0);
});

test('pressure is read from the kernel’s own texts, and what is not there is absent', () => {
  const some = (percent: string): string => `some avg10=${percent} avg60=0.00 avg300=0.00 total=1\nfull avg10=9.00\n`;
  expect(
    parsePressure({
      load: '0.52 1.04 2.08 1/234 5678\n',
      cpu: some('1.50'),
      memory: some('0.00'),
      io: some('3.25'),
      stat: 'cpu  1 2 3 4 5 6 7 88 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n',
    }),
  ).toEqual({
    load1: 0.52,
    load5: 1.04,
    load15: 2.08,
    psiCpuSome10Percent: 1.5,
    psiMemorySome10Percent: 0,
    psiIoSome10Percent: 3.25,
    stealTicks: 88,
  });
  expect(parsePressure({ load: '1 2 3 4/5 6', cpu: '', memory: undefined, io: '', stat: '' })).toEqual({
    load1: 1,
    load5: 2,
    load15: 3,
  });
});

test('the copy of a scenario that a run keeps names the image by its digest, and keeps its comments', () => {
  const text = '# why\nname: x\npayload:\n  image: busybox # small\n  command: [/bin/true]\n';
  const copy = pinned(text, 'docker.io/library/busybox@sha256:00');
  expect(copy).toContain('# why\n');
  expect(copy).toContain('image: docker.io/library/busybox@sha256:00 # small\n');
  expect(pinned(text, undefined)).toBe(text);
});
