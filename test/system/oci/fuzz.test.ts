// Mutated configurations: each is compiled or refused with the place of its fault, and never anything else. 10,000 in the full run.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type * as v from 'valibot';
import { afterAll, describe, expect, it } from 'vitest';
import { VlabError } from '../../../src/base/errors.js';
import { cgroupOf } from '../../../src/container/cgroup/planned-cgroup.js';
import { parseConfig } from '../../../src/container/config/parse-config.js';
import { CONFIG } from '../../../src/container/config/schema.js';
import { createPlan } from '../../../src/container/create-plan.js';
import { hostAbilities } from '../../../src/container/host-abilities.js';
import { readSituation, type Situation } from '../../../src/container/situation.js';
import { withFilter } from '../../../src/container/situation-for.js';
import { encodePlan } from '../../../src/sys/encode.js';
import { mutated, mutations } from '../../fixtures/oci/mutations.js';
import { type Json, richConfig, rootlessConfig, runnableConfig } from '../../fixtures/oci/rich-config.js';
import { isFullRun } from '../../skips.js';

const CASES = Number(process.env.VLAB_FUZZ ?? (isFullRun ? 10_000 : 300));
const SEED = Number(process.env.VLAB_FUZZ_SEED ?? 20261124);
const LONGEST_MS = 1000;
const MOST_WRONG = 20;

const cache = mkdtempSync(join(tmpdir(), 'vlab-fuzz-'));
process.env.VLAB_CACHE_DIR = cache; // of compiled filters
afterAll(() => rmSync(cache, { recursive: true }));

const here = readSituation([]);
/** A machine that has everything, so that everything is compiled. */
const everything: Situation = {
  ...here,
  cgroups: [
    ...[
      'memory',
      'cpu',
      'cpuacct',
      'cpuset',
      'pids',
      'devices',
      'freezer',
      'blkio',
      'hugetlb',
      'net_cls',
      'net_prio',
      'rdma',
    ],
    '',
  ].map((name) => ({
    version: name === '' ? 2 : 1,
    root: `/cgroup/${name}`,
    parent: `/cgroup/${name}/vlab`,
    controllers: name === '' ? [] : [name],
  })),
  kernelPaths: { '/proc/kcore': 'file', '/proc/keys': 'file', '/sys/firmware': 'directory', '/proc/sys': 'directory' },
  rootless: undefined,
  inUserNamespace: false,
  host: { ...hostAbilities, labels: () => ({ apparmor: true, selinux: true }), resctrl: () => '/sys/fs/resctrl' },
  id: 'fuzz',
};
const controllers = ['cpu', 'cpuset', 'hugetlb', 'io', 'memory', 'pids', 'rdma'];
const v2Only = [{ version: 2 as const, root: '/sys/fs/cgroup', parent: '/sys/fs/cgroup/vlab', controllers }];
const MACHINES: Record<string, { situation: Situation; config: Json }> = {
  'with everything': { situation: everything, config: richConfig() },
  'with version 2 of cgroups only': { situation: { ...everything, cgroups: v2Only }, config: runnableConfig() },
  'without root': {
    situation: { ...everything, rootless: { uid: 1000, gid: 1000 }, cgroups: [] },
    config: rootlessConfig(),
  },
  'this one': { situation: { ...here, id: 'fuzz' }, config: runnableConfig() },
};

/** Cgroups are made by nobody before. */
const nothingThere = {
  exists: () => false,
  read: () => undefined,
  writable: () => true,
  processes: () => 0,
  inUserNamespace: () => false,
  parent: () => 'missing' as const,
};

const DEVICE = { index: 7, addresses: [] };

type Outcome = { plan: number } | { refused: string };

async function compiled(text: string, machine: string): Promise<Outcome> {
  try {
    const { situation = here } = MACHINES[machine] ?? {};
    const config = parseConfig(text);
    const netDevices = Object.fromEntries(Object.keys(config.linux.netDevices ?? {}).map((name) => [name, DEVICE]));
    const whole = { ...(await withFilter(config, situation)), netDevices };
    const cgroup = cgroupOf(config, 'fuzz', whole, machine === 'this one' ? undefined : nothingThere);
    const { hooks = {} } = config;
    const hooksInside = Boolean(hooks.createContainer?.length || hooks.startContainer?.length);
    const { plan } = createPlan(config, whole, cgroup, {
      fifos: { start: '/run/start', outcome: '/run/outcome' },
      ...(config.process.terminal ? { consoleSocket: '/run/console.sock' } : {}),
      preserved: [],
      ownedStdio: [],
      answersBorn: hooksInside,
      answersMounted: Boolean(hooks.prestart?.length || hooks.createRuntime?.length),
      ...(hooksInside ? { stateBytes: { creating: 500, created: 500 } } : {}),
    });
    return { plan: encodePlan(plan, 1n).length };
  } catch (error) {
    if (!(error instanceof VlabError)) throw error;
    return { refused: error.message };
  }
}

/** `config.json: linux.devices[3].path is …`; where there is no JSON, there are no paths. */
const TOLD = new RegExp(
  `^config\\.json(?:(?= is no JSON: .)|: (?=(?:the document|${Object.keys(CONFIG.entries).join('|')})\\b))([^ ]*).`,
  's',
);

/** Every property that the schema knows, as a path with * for keys of maps and places in lists. */
function propertiesOf(schema: v.GenericSchema, path = ''): string[] {
  const { type, entries, item, value, pipe, wrapped } = schema as unknown as {
    type: string;
    entries?: Record<string, v.GenericSchema>;
    item?: v.GenericSchema;
    value?: v.GenericSchema;
    pipe?: v.GenericSchema[];
    wrapped?: v.GenericSchema;
  };
  if (wrapped) return propertiesOf(wrapped, path);
  const maps = (pipe ?? []).filter((one) => one.type === 'record');
  if (maps.length > 0) return maps.flatMap((map) => propertiesOf(map, path));
  if (type === 'object' && entries)
    return Object.entries(entries).flatMap(([key, one]) => propertiesOf(one, `${path}.${key}`));
  if (type === 'array' && item) return propertiesOf(item, `${path}.*`);
  if (type === 'record' && value) return propertiesOf(value, `${path}.*`);
  return [path];
}

function has(value: Json | undefined, path: string[]): boolean {
  const [key, ...rest] = path;
  if (key === undefined) return value !== undefined;
  if (typeof value !== 'object' || value === null) return false;
  if (key !== '*') return has((value as Record<string, Json>)[key], rest);
  // An empty list is a value of a list of plain things.
  const parts = Object.values(value);
  return (parts.length === 0 && rest.length === 0) || parts.some((part) => has(part, rest));
}

describe('a configuration', () => {
  it('that is mutated has every property of the schema to begin with, and is compiled', async () => {
    const properties = propertiesOf(CONFIG);
    expect(properties.length).toBeGreaterThan(150);
    expect(properties.filter((path) => !has(richConfig(), path.split('.').slice(1)))).toEqual([]);
    for (const [machine, { config }] of Object.entries(MACHINES)) {
      expect(await compiled(JSON.stringify(config), machine), machine).toEqual({ plan: expect.any(Number) });
    }
  });

  it(
    `is compiled or refused by the place of its fault, within a second, in each of ${CASES} mutations`,
    async () => {
      const counts = { plan: 0, refused: 0 };
      const places = new Set<string>();
      const wrong: string[] = [];
      const slowest = { ms: 0, of: '' };
      const cases = fc.sample(fc.tuple(mutations, fc.constantFrom(...Object.keys(MACHINES))), {
        seed: SEED,
        numRuns: CASES,
      });
      for (const [changes, machine] of cases) {
        const of = `on a machine ${machine}: ${JSON.stringify(changes)}`;
        const text = mutated(MACHINES[machine]?.config ?? null, changes);
        const began = performance.now();
        const outcome = await compiled(text, machine).catch((error: Error) => ({ bug: error.stack ?? error.message }));
        const ms = performance.now() - began;
        if (ms > slowest.ms) Object.assign(slowest, { ms, of });
        if (ms > LONGEST_MS) wrong.push(`${ms} ms ${of}`);
        if ('bug' in outcome) wrong.push(`${outcome.bug.slice(0, 1000)}\n${of}`);
        else if ('plan' in outcome) counts.plan++;
        else {
          counts.refused++;
          const [, place] = TOLD.exec(outcome.refused.slice(0, 6000)) ?? [];
          if (place === undefined) wrong.push(`refused without a place: ${outcome.refused.slice(0, 300)}\n${of}`);
          else places.add(place);
        }
        if (wrong.length >= MOST_WRONG) break;
      }
      expect(wrong).toEqual([]);
      console.log(JSON.stringify({ ...counts, places: places.size, slowest }));
      expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
      expect(counts.plan).toBeGreaterThan(CASES / 50);
      expect(counts.refused).toBeGreaterThan(CASES / 10);
      expect(places.size).toBeGreaterThan(Math.min(100, CASES / 10));
    },
    CASES * 200 + 60_000,
  );
});
