/** config.md: rlimits of the process. */
import { readFileSync } from 'node:fs';
import { see } from '../assert.js';
import { under } from '../test-type.js';

const posix = under('config.md#posix-process');

/** Name of getrlimit(2), its line in /proc/PID/limits, and values that an unprivileged process may set, too. */
const LIMITS: [type: string, line: string, soft: number, hard: number][] = [
  ['RLIMIT_AS', 'Max address space', 2 ** 34, 2 ** 35],
  ['RLIMIT_CORE', 'Max core file size', 4096, 8192],
  ['RLIMIT_CPU', 'Max cpu time', 1000, 2000],
  ['RLIMIT_DATA', 'Max data size', 2 ** 32, 2 ** 33],
  ['RLIMIT_FSIZE', 'Max file size', 2 ** 30, 2 ** 31],
  ['RLIMIT_LOCKS', 'Max file locks', 100, 200],
  ['RLIMIT_MEMLOCK', 'Max locked memory', 8192, 16384],
  ['RLIMIT_MSGQUEUE', 'Max msgqueue size', 1000, 2000],
  ['RLIMIT_NICE', 'Max nice priority', 0, 0],
  ['RLIMIT_NOFILE', 'Max open files', 77, 99],
  ['RLIMIT_NPROC', 'Max processes', 400, 500],
  ['RLIMIT_RSS', 'Max resident set', 2 ** 30, 2 ** 31],
  ['RLIMIT_RTPRIO', 'Max realtime priority', 0, 0],
  ['RLIMIT_RTTIME', 'Max realtime timeout', 10000, 20000],
  ['RLIMIT_SIGPENDING', 'Max pending signals', 100, 200],
  ['RLIMIT_STACK', 'Max stack size', 2 ** 20, 2 ** 22],
];

/** Soft and hard. */
function limitOf(text: string, line: string): (string | undefined)[] {
  const found = text.split('\n').find((one) => one.startsWith(`${line} `));
  return (found ?? '').slice(25).trim().split(/\s+/).slice(0, 2);
}

/** What this process may set: its hard limits cannot be raised everywhere. */
function atMostOwn(line: string, value: number): number {
  const [, hard] = limitOf(readFileSync('/proc/self/limits', 'utf8'), line);
  return hard === 'unlimited' ? value : Math.min(value, Number(hard));
}

export const LIMIT_TESTS = [
  ...LIMITS.map(([type, line, soft, hard]) =>
    posix.must(`${type} has the soft and the hard limit that are configured`, async (t) => {
      const [low, high] = [atMostOwn(line, soft), atMostOwn(line, hard)];
      const text = await t.output(['cat', '/proc/self/limits'], {
        'process.rlimits': [{ type, soft: low, hard: high }],
      });
      see('limits', limitOf(text, line), [String(low), String(high)]);
    }),
  ),
  posix.must('a type that does not exist is an error', (t) =>
    t.refuses(
      { 'process.rlimits': [{ type: 'RLIMIT_NONSENSE', soft: 1, hard: 1 }] },
      { sound: { 'process.rlimits': [{ type: 'RLIMIT_CORE', soft: 0, hard: 0 }] }, late: true },
    ),
  ),
  posix.must('a type that is there twice is an error', (t) => {
    const entry = { type: 'RLIMIT_CORE', soft: 0, hard: 0 };
    return t.refuses({ 'process.rlimits': [entry, entry] }, { sound: { 'process.rlimits': [entry] }, late: true });
  }),
  posix.must('a soft limit above the hard one is an error', (t) =>
    t.refuses(
      { 'process.rlimits': [{ type: 'RLIMIT_CORE', soft: 2, hard: 1 }] },
      { sound: { 'process.rlimits': [{ type: 'RLIMIT_CORE', soft: 0, hard: 0 }] }, late: true },
    ),
  ),
];
