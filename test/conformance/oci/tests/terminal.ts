/** config.md: the terminal of the process; /dev/console of config-linux.md. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { match, see } from '../assert.js';
import { waitFor } from '../command.js';
import type { Change } from '../config.js';
import type { Scene } from '../scene.js';
import { under } from '../test-type.js';

const process_ = under('config.md#process');

/** What a program writes to its terminal. The runtimes pass the terminal's other end through a socket, `--console-socket`. */
async function onTerminal(t: Scene, args: string[], change: Change = {}): Promise<string> {
  const socket = join(t.dir, 's');
  const shown = join(t.dir, 'shown');
  const output = openSync(shown, 'w');
  const reader = spawn(t.probe, ['console', socket], { stdio: ['ignore', output, 'inherit'] });
  const ended = new Promise((resolve) => reader.on('exit', resolve));
  closeSync(output);
  t.finally(() => reader.kill('SIGKILL'));
  await waitFor('the socket', () => readFileSync(shown, 'utf8').includes('ready\n'));
  const container = t.container(args, { 'process.terminal': true, ...change });
  await container.create({ words: ['--console-socket', socket] });
  await container.start();
  await container.stopped();
  await ended;
  const [, descriptors, ...lines] = readFileSync(shown, 'utf8').replaceAll('\r\n', '\n').split('\n');
  see('what came through the socket', descriptors, 'descriptors 1');
  return lines.join('\n');
}

export const TERMINAL_TESTS = [
  process_.must('terminal gives the process a pseudoterminal', async (t) =>
    match('output', await onTerminal(t, ['tty']), /^\/dev\/(pts\/\d+|console) \d+x\d+ session 1$/m),
  ),
  process_.must('the terminal is the standard input, output and error', async (t) => {
    const text = await onTerminal(t, [
      'each',
      ...[0, 1, 2].flatMap((number) => ['readlink', `/proc/self/fd/${number}`, '--']),
    ]);
    const ends = text.trim().split('\n');
    match('standard input', ends[0] ?? '', /^\/dev\/(pts\/\d+|console)$/);
    see('all three', [ends.length, new Set(ends).size], [3, 1]);
  }),
  process_.must('consoleSize is the size of the terminal', async (t) =>
    match('output', await onTerminal(t, ['tty'], { 'process.consoleSize': { height: 13, width: 57 } }), / 57x13 /),
  ),
  under('config-linux.md#default-devices').must('/dev/console is the terminal, by a bind mount', async (t) => {
    const text = await onTerminal(t, ['each', 'stat', '/dev/console', '--', 'cat', '/proc/self/mountinfo']);
    match('device', text, /^\/dev\/console: 20\d{3} \d+:\d+ 136:\d+$/m);
    match('mounts', text, / \/dev\/console [^\n]* - devpts /);
  }),
];
