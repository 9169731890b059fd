/** How many whole life cycles (`run` of a program that ends at once) a second, one after another and several at once. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { VlabError } from '../../src/base/errors.js';
import { seededRandom, shuffle } from '../../src/stats/random.js';
import { compiled } from '../compiled.js';
import { ENVIRONMENT } from '../start-arms.js';
import { median } from './cells.js';
import type { MeasurePart } from './part.js';
import { openRuntimes, type Runtime, writeBundle } from './runtimes.js';

const AT_ONCE = [1, 2, 4, 8, 16] as const;
const LIVES = 100;

export const throughput: MeasurePart = async (context) => {
  await using runtimes = await openRuntimes(context.scratchDir);
  const bundle = writeBundle(join(context.scratchDir, 'throughput'), context.rootfs, ['/probe', 'true']);
  const many = await compiled('many');
  const random = seededRandom(context.seed, 'throughput');
  const compared = runtimes.all.filter(({ name }) => name !== 'vlab-oci cold');
  const rates = new Map<string, number[]>();
  const rounds = Math.max(3, Math.round(context.rounds / 10));
  let count = 0;
  for (let round = 0; round < rounds; round++) {
    const cells = compared.flatMap((runtime) => AT_ONCE.map((atOnce) => ({ runtime, atOnce })));
    for (const { runtime, atOnce } of shuffle(cells, random)) {
      const key = `${runtime.name} ${atOnce}`;
      const rate = LIVES / (livesNs(many, runtime, bundle, atOnce, `bench-${process.pid}-${count++}`) / 1e9);
      rates.set(key, [...(rates.get(key) ?? []), rate]);
    }
    context.say(`throughput: round ${round + 1} of ${rounds}`);
  }
  const rateOf = (name: string, atOnce: number) => median(rates.get(`${name} ${atOnce}`) ?? []);
  const best = Math.max(...AT_ONCE.map((atOnce) => (rates.has('crun 1') ? rateOf('crun', atOnce) : Number.NaN)));
  return {
    title: 'Life cycles per second',
    how: `${LIVES} containers of a program that ends at once, ${rounds} rounds in random order, started by [many.c](../../bench/many.c); medians.`,
    head: ['runtime', ...AT_ONCE.map((atOnce) => `${atOnce} at once`), "best ÷ crun's best"],
    rows: compared.map(({ name }) => [
      name,
      ...AT_ONCE.map((atOnce) => rateOf(name, atOnce).toFixed(0)),
      (Math.max(...AT_ONCE.map((atOnce) => rateOf(name, atOnce))) / best).toFixed(2),
    ]),
    values: Object.fromEntries(rates),
  };
};

function livesNs(many: string, runtime: Runtime, bundle: string, atOnce: number, prefix: string): number {
  // A peer that needs another view of the machine gets it once for all of them, outside of what is timed.
  const view = runtime.prepare
    ? ['unshare', '--mount', 'sh', '-c', 'umount /sys/fs/cgroup/unified; exec "$@"', 'sh']
    : [];
  const words = [
    ...view,
    many,
    String(atOnce),
    String(LIVES),
    prefix,
    runtime.path,
    ...runtime.words,
    'run',
    '--bundle',
    bundle,
    '@',
  ];
  const [command = '', ...args] = words;
  const ran = spawnSync(command, args, { env: ENVIRONMENT, encoding: 'utf8', timeout: 300_000 });
  if (ran.status !== 0)
    throw new VlabError('operation', `${runtime.name}, ${atOnce} at once: ${ran.stderr.split('\n')[0]}`);
  return Number(ran.stdout);
}
