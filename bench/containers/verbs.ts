/** Each verb of a container's life by itself, beside the same verb of the peers. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom, shuffle } from '../../src/stats/random.js';
import { pairedRatio } from '../../src/stats/ratio.js';
import { hasEnded, processOf } from '../../src/sys/owners.js';
import { median, milliseconds, ratioCell } from './cells.js';
import type { MeasurePart } from './part.js';
import { openRuntimes, type Runtime, writeBundle } from './runtimes.js';
import { openTimer, type Timer } from './timed-command.js';

const VERBS = ['create', 'start', 'state', 'exec', 'kill', 'delete'] as const;
type Verb = (typeof VERBS)[number];
const WARM_UP_ROUNDS = 3;

export const verbs: MeasurePart = async (context) => {
  await using runtimes = await openRuntimes(context.scratchDir);
  await using timer = await openTimer(context);
  const bundle = writeBundle(join(context.scratchDir, 'verbs'), context.rootfs, ['/probe', 'sleep', '1000']);
  const random = seededRandom(context.seed, 'verbs');
  const times = new Map(runtimes.all.map(({ name }) => [name, [] as Record<Verb, number>[]]));
  for (let round = -WARM_UP_ROUNDS; round < context.rounds; round++) {
    for (const runtime of shuffle(runtimes.all, random)) {
      const one = await oneLife(timer, runtime, bundle, `bench-${process.pid}-${round + WARM_UP_ROUNDS}`);
      if (round >= 0) times.get(runtime.name)?.push(one);
    }
  }
  const of = (name: string, verb: Verb) => (times.get(name) ?? []).map((one) => one[verb]);
  const rows = VERBS.flatMap((verb) =>
    runtimes.all.map(({ name }) => [
      verb,
      name,
      milliseconds(median(of(name, verb))),
      name === 'crun' || !times.has('crun')
        ? ''
        : ratioCell(pairedRatio(of(name, verb), of('crun', verb), seededRandom(context.seed, `${verb} ${name}`))),
    ]),
  );
  return {
    title: 'Each verb by itself',
    how: `Whole commands from exec to end, ${context.rounds} lives of each runtime in random order; the program sleeps.`,
    head: ['verb', 'runtime', 'median', 'ratio to crun (95 %)'],
    rows,
    values: Object.fromEntries(times),
  };
};

async function oneLife(timer: Timer, runtime: Runtime, bundle: string, id: string): Promise<Record<Verb, number>> {
  const pidFile = join(bundle, `${id}.pid`);
  const create = await timer.time(runtime, ['create', '--bundle', bundle, '--pid-file', pidFile, id]);
  const start = await timer.time(runtime, ['start', id]);
  const state = await timer.time(runtime, ['state', id]);
  const exec = await timer.time(runtime, ['exec', id, '/probe', 'true']);
  const init = processOf(Number(readFileSync(pidFile, 'utf8')));
  const kill = await timer.time(runtime, ['kill', id, 'KILL']);
  while (!hasEnded(init)) await sleep(1); // SIGKILL: it does end
  const del = await timer.time(runtime, ['delete', id]);
  return { create, start, state, exec, kill, delete: del };
}
