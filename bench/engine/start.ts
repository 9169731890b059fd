/** From an image already unpacked to the end of a program that does nothing: whole commands, and in a process that is there. */
import { join } from 'node:path';
import { askedLine } from '../../src/cli/prepare-container.js';
import { driver } from '../../src/drivers/container.js';
import { createContainer } from '../../src/engine/life/create-container.js';
import { startContainer } from '../../src/engine/life/start-container.js';
import { settle } from '../../src/engine/record/settle.js';
import { openImageStore } from '../../src/image/store/image-store.js';
import { seededRandom, shuffle } from '../../src/stats/random.js';
import { pairedRatio } from '../../src/stats/ratio.js';
import { median, milliseconds, ratioCell } from '../containers/cells.js';
import { ratioPromise } from './promised.js';
import { IMAGE, type MeasureEngine, make, tools } from './tools.js';

const WARM_UP_ROUNDS = 3;
const NETWORKS = ['none', 'bridge'] as const;

export const start: MeasureEngine = async (context) => {
  const { timer, seed, sizes, vlab } = context;
  const store = await openImageStore();
  const image = await store.get(IMAGE);
  await using base = await driver.prepare({
    ...{ rootfs: join(context.scratchDir, 'bb'), command: ['/bin/true'], env: {}, limits: {}, ready: 'exit' },
    ...{ scratchDir: context.scratchDir, options: {} },
  });
  const arms: Record<string, () => Promise<number>> = {};
  for (const runtime of tools(context)) {
    for (const network of NETWORKS) {
      const words = make(runtime, 'run', '--rm', '--network', network, IMAGE, 'true');
      arms[`${runtime.name} run, ${network}`] = () => timer.time(runtime, words);
    }
  }
  for (const network of NETWORKS) {
    arms[`the engine, ${network}`] = async () => {
      const { asked } = askedLine({ network: [network] }, [IMAGE, 'true']);
      const root = { kind: 'image', image, asked: IMAGE, blobs: store.blobs } as const;
      const { record } = await createContainer({ asked: { ...asked, autoRemove: true }, root });
      const began = process.hrtime.bigint();
      const started = await startContainer(record.id, { waits: true });
      await started?.ended;
      const took = Number(process.hrtime.bigint() - began);
      await settle(record.id);
      return took;
    };
  }
  arms['a container without image and network'] = async () => {
    const began = process.hrtime.bigint();
    await using instance = await base.start(AbortSignal.timeout(30_000));
    await instance.wait();
    return Number(process.hrtime.bigint() - began);
  };
  arms['node -e 0'] = () => timer.time({ ...vlab, name: 'node', words: [] }, ['-e', '0']);
  const times = new Map(Object.keys(arms).map((name) => [name, [] as number[]]));
  const random = seededRandom(seed, 'engine start');
  for (let round = -WARM_UP_ROUNDS; round < sizes.rounds; round++) {
    for (const [name, once] of shuffle(Object.entries(arms), random)) {
      const ns = await once();
      if (round >= 0) times.get(name)?.push(ns);
    }
  }
  const values = (name: string) => times.get(name) ?? [];
  const ratio = (name: string, to: string) =>
    pairedRatio(values(name), values(to), seededRandom(seed, `${name} ${to}`));
  const baseOf = (name: string) =>
    name.startsWith('vlab run') ? name.replace('vlab', 'podman') : name.startsWith('the engine') ? BARE : undefined;
  return {
    title: 'Start, from an image already unpacked',
    how: `Whole commands \`run --rm --network none|bridge\` of a program that ends at once, from exec to end, by the performer's clock; and in one warm Node process the engine's start of a container that is made, from the call to the record of its end, beside vlab's container of the same directory without image, network and record. ${sizes.rounds} rounds in random order. podman has crun, or runc without it. The bridge adds the difference.`,
    head: ['what', 'median', 'the bridge adds', 'compared with', 'ratio (95 %)'],
    rows: Object.keys(arms).map((name) => {
      const to = baseOf(name);
      const added = name.endsWith(', bridge')
        ? milliseconds(median(values(name)) - median(values(name.replace(', bridge', ', none'))))
        : '';
      return [
        name,
        milliseconds(median(values(name))),
        added,
        to && times.has(to) ? to : '',
        to && times.has(to) ? ratioCell(ratio(name, to)) : '',
      ];
    }),
    values: Object.fromEntries(times),
    promises: [
      ...(times.has('podman run, none')
        ? ratioPromise('`vlab run --network none` : `podman run`', ratio('vlab run, none', 'podman run, none'), 0.2)
        : []),
      ...ratioPromise("the engine's start : a container without image and network", ratio('the engine, none', BARE), 2),
    ],
  };
};

const BARE = 'a container without image and network';
