/** What each part of a container costs: the start without it, beside the whole (as SOCK did; Oakes et al., ATC 2018). */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { usualPlaces } from '../../src/container/cgroup/places.js';
import type { OciConfig } from '../../src/container/config/schema.js';
import { sharedLauncher } from '../../src/container/shared-launcher.js';
import type { Situation } from '../../src/container/situation.js';
import { situationFor } from '../../src/container/situation-for.js';
import { jobConfig, startPlan } from '../../src/drivers/container.js';
import { seededRandom, shuffle } from '../../src/stats/random.js';
import { pairedRatio } from '../../src/stats/ratio.js';
import { readObserved } from '../../src/sys/stamps.js';
import { median, milliseconds, ratioCell } from './cells.js';
import type { MeasurePart } from './part.js';

interface Variant {
  name: string;
  config(whole: OciConfig): OciConfig;
  situation?(whole: Situation): Situation;
}

const unchanged = (whole: Situation) => whole;

const without = (type: string): Variant => ({
  name: `no ${type} namespace`,
  config: (whole) => ({
    ...whole,
    ...(type === 'uts' ? { hostname: undefined as never } : {}),
    linux: { ...whole.linux, namespaces: whole.linux.namespaces.filter((one) => one.type !== type) },
  }),
});

function variants(situation: Situation): Variant[] {
  const same = (whole: OciConfig) => whole;
  const controllers = [...new Set(usualPlaces(situation.cgroups).map((place) => place.controllers.join(',')))];
  return [
    { name: 'the whole container', config: same },
    ...['network', 'pid', 'ipc', 'uts', 'cgroup'].map(without),
    ...controllers.map((names) => ({
      name: `no cgroup of ${names}`,
      config: same,
      situation: (whole: Situation) => ({
        ...whole,
        cgroups: whole.cgroups.filter((place) => place.controllers.join(',') !== names),
      }),
    })),
    { name: 'no cgroups at all', config: same, situation: (whole) => ({ ...whole, cgroups: [] }) },
    {
      name: 'no filter of system calls',
      config: ({ linux: { seccomp: _, ...linux }, ...whole }) => ({ ...whole, linux }),
    },
    {
      name: 'no masked and read-only paths',
      config: (whole) => ({ ...whole, linux: { ...whole.linux, maskedPaths: [], readonlyPaths: [] } }),
    },
    {
      name: 'no file systems but /proc and /dev',
      config: (whole) => ({
        ...whole,
        mounts: whole.mounts.filter(({ destination }) => /^\/(proc|dev)$/.test(destination)),
      }),
    },
  ];
}

export const ablation: MeasurePart = async ({ scratchDir, rootfs, rounds, seed, say }) => {
  const command = ['/probe', 'true'];
  const config = (id: string) =>
    jobConfig({ rootfs, command, env: {}, limits: {}, ready: 'exit', scratchDir, options: {} }, id, undefined);
  const situation = await situationFor(config('bench'));
  const resident = await sharedLauncher(usualPlaces(situation.cgroups));
  const all = variants(situation);
  const times = new Map(all.map(({ name }) => [name, [] as number[]]));
  const random = seededRandom(seed, 'ablation');
  let count = 0;
  for (let round = -3; round < rounds; round++) {
    for (const { name, config: change, situation: place = unchanged } of shuffle(all, random)) {
      const id = `bench-${process.pid}-${count++}`;
      const files = { stdoutPath: join(scratchDir, `${id}.out`), stderrPath: join(scratchDir, `${id}.err`) };
      const { plan } = startPlan(change(config(id)), place(situation), { ...files, ready: 'exit' });
      const { receivedNs, reply, failure } = await (await resident.perform(plan)).ended;
      for (const path of Object.values(files)) rmSync(path, { force: true });
      if (failure) throw failure;
      if (round >= 0) times.get(name)?.push(Number((readObserved(reply).stamps.exec ?? 0n) - receivedNs));
    }
  }
  say('ablation done');
  const whole = times.get('the whole container') ?? [];
  return {
    title: 'What each part costs',
    how: `request → exec of the program, by the running launcher, ${rounds} rounds in random order. A ratio below 1: what is left out takes time.`,
    head: ['container', 'median', 'less than the whole', 'ratio (95 %)'],
    rows: all.map(({ name }) => {
      const own = times.get(name) ?? [];
      return [
        name,
        milliseconds(median(own)),
        name === 'the whole container' ? '' : milliseconds(median(whole) - median(own)),
        name === 'the whole container' ? '' : ratioCell(pairedRatio(own, whole, seededRandom(seed, name))),
      ];
    }),
    values: Object.fromEntries(times),
  };
};
