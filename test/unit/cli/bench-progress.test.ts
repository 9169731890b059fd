import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { benchProgress, humanTime } from '../../../src/cli/bench-progress.js';
import { shellLine } from '../../../src/cli/shell-line.js';
import type { BenchEvent } from '../../../src/lab/events.js';

const scenario = { title: 'T', blocks: 2, arms: [{ label: 'process' }, { label: 'vm' }] };

const EVENTS: BenchEvent[] = [
  { kind: 'arm-preparing', arm: 'process' },
  { kind: 'arm-ready', arm: 'process', version: '', accel: '', notes: [] },
  { kind: 'arm-preparing', arm: 'vm' },
  { kind: 'arm-ready', arm: 'vm', version: '7.2', accel: 'tcg', notes: ['KVM was tried and does not boot'] },
  { kind: 'run-opened', run: 'R', dir: join(process.cwd(), 'results/R'), planned: 6, alreadyDone: 0, seed: 9 },
  {
    kind: 'trial-starting',
    trial: { order: 0, block: -1, arm: 'vm', warmup: true },
    done: 0,
    planned: 6,
    leftMs: 6100,
  },
  {
    kind: 'trial-starting',
    trial: { order: 1, block: -1, arm: 'process', warmup: true },
    done: 1,
    planned: 6,
    leftMs: 5000,
  },
  {
    kind: 'trial-ended',
    trial: { order: 1, block: -1, arm: 'process', warmup: true },
    outcome: 'timeout',
    reason: 'not finished after 10000 ms',
    rows: [],
    done: 2,
    planned: 6,
  },
  { kind: 'trial-starting', trial: { order: 4, block: 1, arm: 'vm', warmup: false }, done: 4, planned: 6, leftMs: 100 },
  { kind: 'run-ended', partial: true, reason: 'interrupted by SIGINT' },
];

/** To the first column, and clear the line. */
const REWRITE = '\r\u001b[K';

function drawn(tty: boolean, env: NodeJS.ProcessEnv = {}): string {
  const stream = Object.assign(new PassThrough(), { isTTY: tty, columns: 60 }) as unknown as NodeJS.WriteStream;
  let ms = 0;
  const listener = benchProgress({ stream, env, scenario, now: () => (ms += 3000) });
  for (const event of EVENTS) void listener(event);
  return String((stream as unknown as PassThrough).read());
}

test('where nothing can be rewritten there is a line now and then, and no escape sequence', () => {
  expect(drawn(false)).toBe(`T
  process  ready
  vm       ready    7.2, emulated (tcg)
                    KVM was tried and does not boot
results/R  (seed 9, 6 trials)
  trial 1 of 6, warm-up, about 6 s left
  timeout trial 1 (process): not finished after 10000 ms
  trial 5 of 6, block 2 of 2, about 1 s left
partial: interrupted by SIGINT
`);
});

test('on a terminal one line is rewritten, never longer than the terminal is wide, and none is left at the end', () => {
  const text = drawn(true, { NO_COLOR: '1' });
  expect(text).toContain('\r\u001b[K  trial 2 of 6, warm-up, about 5 s left: process');
  expect(text.endsWith('\r\u001b[Kpartial: interrupted by SIGINT\n')).toBe(true);
  for (const line of text.replaceAll(REWRITE, '\n').split('\n')) expect(line.length).toBeLessThan(100);
  expect(text.replaceAll(REWRITE, '')).not.toContain('\u001b');
  expect(drawn(true, { FORCE_COLOR: '1' })).toContain('\u001b[32mready');
});

test('times are told as people say them', () => {
  expect([20, 950, 61_000, 95_000, 3_000_000, 7_300_000].map(humanTime)).toEqual([
    '1 s',
    '1 s',
    '61 s',
    '2 min',
    '50 min',
    '2 h',
  ]);
});

test('a line for a shell reads back as the same words', () => {
  expect(shellLine(['vlab', 'bench', '-d', 'a,b', '--', '/bin/sh', '-c', "echo 'x y' $HOME", ''])).toBe(
    `vlab bench -d a,b -- /bin/sh -c 'echo '\\''x y'\\'' $HOME' ''`,
  );
});
