// What can be done to the cgroup of a running container. Real kernel, root; on whatever versions of cgroups there are.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Cgroup, directoryOf, unifiedOf } from '../../../src/container/cgroup/cgroup.js';
import { readControl, writeControl } from '../../../src/container/cgroup/control-file.js';
import { watchEvents } from '../../../src/container/cgroup/events.js';
import { execDirectories } from '../../../src/container/cgroup/exec-directories.js';
import { isPaused, pause, resume } from '../../../src/container/cgroup/freezer.js';
import { killAll } from '../../../src/container/cgroup/kill.js';
import { type CgroupPlace, cgroupPlaces } from '../../../src/container/cgroup/places.js';
import { processesOf } from '../../../src/container/cgroup/processes.js';
import { readStats } from '../../../src/container/cgroup/stats.js';
import { type ContainerEvent, eventText } from '../../../src/container/cgroup/stats-shape.js';
import { updateResources } from '../../../src/container/cgroup/update.js';
import type { OciResources } from '../../../src/container/config/schema.js';
import { readCgroupLayout } from '../../../src/host/cgroup-layout.js';
import { isRoot, needs } from '../../skips.js';
import { until } from '../sys/own-launcher.js';
import { OwnContainer } from './own-container.js';
import { ownRootfs, removeRootfs } from './vlab-run.js';

const layout = readCgroupLayout();
const places = isRoot ? cgroupPlaces(layout, true) : [];
const unifiedOnly = places.filter(({ version }) => version === 2);
const version1Only = places.filter(({ version }) => version === 1);
const versionOf = (controller: string) => layout.controllers[controller]?.version;
const id = `vlab-run-${process.pid}`;
let rootfs: string;

beforeAll(async () => {
  rootfs = await ownRootfs();
});
beforeEach((context) => needs(context, 'root', isRoot));
afterAll(() => removeRootfs(rootfs));

function read(cgroup: Cgroup, controller: string, v1: string, v2 = v1): string {
  const directory = directoryOf(cgroup, controller);
  return (directory && readControl(directory, directory.version === 1 ? v1 : v2)) ?? 'nothing';
}

const VERSIONS: [string, CgroupPlace[]][] = [
  ['version 1', version1Only],
  ['version 2', unifiedOnly],
];

describe.each(VERSIONS)('with %s', (_, own) => {
  beforeEach((context) => needs(context, own === unifiedOnly ? 'cgroup v2' : 'cgroup v1', own.length > 0));

  it('pause stops every process, and resume lets them go on', async () => {
    await using container = await OwnContainer.start({ rootfs, id, words: ['burn', '60'], places: own });
    const ticks = () => Number(readFileSync(`/proc/${container.pid}/stat`, 'utf8').split(' ')[13]);
    await until(() => ticks() > 2, 'it burns');
    await pause(container.cgroup);
    expect(isPaused(container.cgroup)).toBe(true);
    const then = ticks();
    await sleep(200);
    expect(ticks()).toBe(then);
    await resume(container.cgroup);
    expect(isPaused(container.cgroup)).toBe(false);
    await until(() => ticks() > then + 2, 'it burns again');
  });

  it('kill ends every process, also of a paused container, and a signal reaches all of them', async () => {
    for (const paused of [false, true]) {
      await using container = await OwnContainer.start({ rootfs, id, words: ['fork', '5', 'stay'], places: own });
      await until(() => processesOf(container.cgroup).length === 6, 'all are there');
      if (paused) await pause(container.cgroup);
      await killAll(container.cgroup, 9);
      expect(await container.ended()).toEqual({ signal: 9 });
    }
    await using container = await OwnContainer.start({ rootfs, id, words: ['trap', '60'], places: own });
    await sleep(100); // until it traps
    await killAll(container.cgroup, 15);
    expect(await container.ended()).toEqual({ code: 0 });
  });

  it('what is forked in children of the cgroup belongs to it', async () => {
    await using container = await OwnContainer.start({ rootfs, id, words: ['fork', '3', 'stay'], places: own });
    await until(() => processesOf(container.cgroup).length === 4, 'all are there');
    expect(processesOf(container.cgroup)).toContain(container.pid);
  });

  it('a further process goes where the first one is', async () => {
    await using container = await OwnContainer.start({ rootfs, id, places: own });
    const { cgroup, pid } = container;
    const paths = cgroup.directories.map(({ path }) => path);
    const pathsOf = (asked?: string[]) => execDirectories(cgroup, pid, asked).map(({ path }) => path);
    expect(pathsOf()).toEqual(paths);
    for (const path of paths) mkdirSync(join(path, 'init'));
    expect(pathsOf(['init'])).toEqual(paths.map((path) => join(path, 'init')));
    expect(pathsOf(['pids,memory:/../init/..'])).toEqual(paths);
    expect(() => execDirectories(cgroup, pid, ['no'])).toThrow('the container has no cgroup no');
    const unified = unifiedOf(cgroup);
    const [controller] = (unified && readControl(unified, 'cgroup.controllers')?.split(' ').filter(Boolean)) ?? [];
    if (!unified || controller === undefined) return;
    // As systemd does it: its processes go into a child, and the controllers down to it.
    writeFileSync(join(unified.path, 'init/cgroup.procs'), String(pid));
    writeControl(unified, 'cgroup.subtree_control', `+${controller}`);
    expect(pathsOf()).toEqual(paths.map((path) => (path === unified.path ? join(path, 'init') : path)));
    expect(processesOf(cgroup)).toEqual([pid]);
  });

  it('device rules can be exchanged', async (context) => {
    needs(context, own === unifiedOnly ? 'cgroup v2' : 'cgroup v1', own === unifiedOnly || versionOf('devices') === 1);
    await using container = await OwnContainer.start({ rootfs, id, places: own });
    const { cgroup } = container;
    const canOpen = async (path: string) => openIn(cgroup, path);
    expect([await canOpen('/dev/zero'), await canOpen('/dev/kmsg')]).toEqual([true, false]);
    await updateResources(cgroup, {}, { devices: [{ allow: false }, { allow: true, type: 'c', major: 1, minor: 11 }] });
    expect([await canOpen('/dev/zero'), await canOpen('/dev/kmsg')]).toEqual([true, true]);
    await updateResources(cgroup, {}, { devices: [{ allow: false }] });
    expect([await canOpen('/dev/zero'), await canOpen('/dev/kmsg')]).toEqual([true, false]);
    await updateResources(cgroup, {}, { devices: [{ allow: true }] });
    expect(await canOpen('/dev/kmsg')).toBe(true);
  });
});

/** Whether a process of that cgroup can open a device for reading. */
async function openIn(cgroup: Cgroup, path: string): Promise<boolean> {
  const child = spawn('sh', ['-c', `read _ && exec < ${path}`], { stdio: ['pipe', 'ignore', 'ignore'] });
  const directory = directoryOf(cgroup, 'devices') ?? unifiedOf(cgroup);
  if (directory) writeControl(directory, 'cgroup.procs', String(child.pid));
  child.stdin?.end('\n');
  const [code] = await once(child, 'exit');
  return code === 0;
}

describe('update', () => {
  beforeEach((context) => needs(context, 'cgroup v1', versionOf('memory') !== undefined));

  it('changes memory and swap up and down, in whatever order works, and keeps what it does not name', async () => {
    let resources: OciResources = { memory: { limit: 64 << 20, swap: 64 << 20, reservation: 16 << 20 } };
    await using container = await OwnContainer.start({ rootfs, id, resources });
    const seen = () => [
      read(container.cgroup, 'memory', 'memory.limit_in_bytes', 'memory.max'),
      read(container.cgroup, 'memory', 'memory.memsw.limit_in_bytes', 'memory.swap.max'),
      read(container.cgroup, 'memory', 'memory.soft_limit_in_bytes', 'memory.low'),
    ];
    const v1 = versionOf('memory') === 1;
    for (const [limit, swap] of [
      [128, 256],
      [32, 48],
      [48, 48],
      [256, 256],
    ] as const) {
      resources = await updateResources(container.cgroup, resources, {
        memory: { limit: limit << 20, swap: swap << 20 },
      });
      expect(seen()).toEqual([limit, v1 ? swap : swap - limit, 16].map((mib) => String(mib << 20)));
    }
    resources = await updateResources(container.cgroup, resources, { memory: { swap: -1 } });
    expect(resources.memory).toEqual({ limit: 256 << 20, swap: -1, reservation: 16 << 20 });
    resources = await updateResources(container.cgroup, resources, { memory: { limit: -1 } });
    expect(seen()[0]).toBe(v1 ? '9223372036854771712' : 'max');
  });

  it('changes quota, period and burst, in whatever order works', async () => {
    let resources: OciResources = { cpu: { quota: 10_000, period: 20_000, shares: 512 } };
    await using container = await OwnContainer.start({ rootfs, id, resources });
    const v1 = versionOf('cpu') === 1;
    const seen = () =>
      v1
        ? `${read(container.cgroup, 'cpu', 'cpu.cfs_quota_us')} ${read(container.cgroup, 'cpu', 'cpu.cfs_period_us')}`
        : read(container.cgroup, 'cpu', '', 'cpu.max');
    const burst = () => read(container.cgroup, 'cpu', 'cpu.cfs_burst_us', 'cpu.max.burst');
    resources = await updateResources(container.cgroup, resources, { cpu: { quota: 90_000, burst: 50_000 } });
    expect([seen(), burst()]).toEqual(['90000 20000', '50000']);
    resources = await updateResources(container.cgroup, resources, {
      cpu: { quota: 5_000, period: 10_000, burst: 1000 },
    });
    expect([seen(), burst()]).toEqual(['5000 10000', '1000']);
    resources = await updateResources(container.cgroup, resources, { cpu: { period: 40_000 } });
    expect(seen()).toBe('5000 40000');
    resources = await updateResources(container.cgroup, resources, { cpu: { quota: -1, burst: 0 } });
    expect(seen()).toBe(v1 ? '-1 40000' : 'max 40000');
    resources = await updateResources(container.cgroup, resources, { cpu: { idle: 1 } });
    resources = await updateResources(container.cgroup, resources, { cpu: { idle: 0, shares: 1024 } });
    expect(read(container.cgroup, 'cpu', 'cpu.shares', 'cpu.weight')).toBe(v1 ? '1024' : '100');
  });

  it('takes back what it did when the kernel refuses a part, and says which', async () => {
    const before: OciResources = { memory: { limit: 64 << 20 }, pids: { limit: 20 } };
    await using container = await OwnContainer.start({ rootfs, id, resources: before });
    const wanted: OciResources = { memory: { limit: 32 << 20 }, pids: { limit: 10 }, cpu: { quota: 1 } };
    await expect(updateResources(container.cgroup, before, wanted)).rejects.toThrow(
      /config.json: linux.resources.cpu.quota cannot be set: cpu\.\S+ does not take 1\b.* \(EINVAL\)/,
    );
    expect(read(container.cgroup, 'memory', 'memory.limit_in_bytes', 'memory.max')).toBe(`${64 << 20}`);
    expect(read(container.cgroup, 'pids', 'pids.max')).toBe('20');
  });

  it('refuses a limit below what is used when memory.checkBeforeUpdate says so, as version 1 always does', async () => {
    const before: OciResources = { memory: { limit: 128 << 20, swap: 128 << 20 } };
    await using container = await OwnContainer.start({ rootfs, id, resources: before, words: ['touch', '24', 'stay'] });
    const usage = () => Number(read(container.cgroup, 'memory', 'memory.usage_in_bytes', 'memory.current'));
    await until(() => usage() > 24 << 20, 'it has touched its memory', 20_000);
    const wanted: OciResources = { memory: { limit: 8 << 20, checkBeforeUpdate: true } };
    await expect(updateResources(container.cgroup, before, wanted)).rejects.toThrow('linux.resources.memory.limit');
    expect(read(container.cgroup, 'memory', 'memory.limit_in_bytes', 'memory.max')).toBe(`${128 << 20}`);
  });
});

describe('statistics', () => {
  it('count what the container does, and are JSON that Go can read', async () => {
    const resources: OciResources = { pids: { limit: 20 } };
    await using container = await OwnContainer.start({ rootfs, id, words: ['burn', '60'], resources });
    await until(() => readStats(container.cgroup).cpu.usage.total > 50_000_000n, 'it has used the processor');
    const stats = readStats(container.cgroup);
    expect(stats.pids).toEqual({ current: 1n, limit: 20n });
    expect(stats.cpu.usage.user + stats.cpu.usage.kernel).toBeGreaterThan(0n);
    if (versionOf('cpuacct') === 1) {
      const { percpu = [], total } = stats.cpu.usage;
      expect(percpu.reduce((sum, one) => sum + one, 0n)).toBeGreaterThanOrEqual(total / 2n);
    }
    expect(stats.memory.usage.usage).toBeGreaterThan(0n);
    expect(stats.memory.usage.limit).toBeGreaterThan(1n << 62n);
    expect(Object.keys(stats.memory.raw).length).toBeGreaterThan(10);
    const text = eventText({ type: 'stats', id, data: stats });
    expect(text).toContain(`"limit":${stats.memory.usage.limit}`);
    expect(text).not.toContain('"#');
    const parsed = JSON.parse(text) as { type: string; data: Record<string, unknown> };
    expect(parsed.type).toBe('stats');
    expect(Object.keys(parsed.data)).toEqual([
      ...['cpu', 'cpuset', 'memory', 'pids', 'blkio', 'hugetlb', 'intel_rdt', 'network_interfaces'],
    ]);
  });

  it('come at their interval, and end with the container', async () => {
    const events: ContainerEvent[] = [];
    await using container = await OwnContainer.start({ rootfs, id });
    const watched = (async () => {
      for await (const event of watchEvents(container.cgroup, id, { statsMs: 50 })) events.push(event);
    })();
    await until(() => events.length >= 3, 'three have come');
    await killAll(container.cgroup, 9);
    await watched;
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(['stats']));
  });

  it('end when nobody wants them any more', async () => {
    await using container = await OwnContainer.start({ rootfs, id });
    const wanted = new AbortController();
    const watched = (async () => {
      for await (const _ of watchEvents(container.cgroup, id, { signal: wanted.signal })) return 'an event';
      return 'the end';
    })();
    await sleep(50);
    wanted.abort();
    expect(await watched).toBe('the end');
    expect(existsSync(join(container.cgroup.directories[0]?.path ?? '', 'cgroup.procs'))).toBe(true);
  });

  it('tell who ran out of memory', async (context) => {
    needs(context, 'cgroup v1', versionOf('memory') !== undefined);
    const resources: OciResources = { memory: { limit: 32 << 20, swap: 32 << 20 } };
    await using container = await OwnContainer.start({ rootfs, id, words: ['touch', '64', 'child'], resources });
    const seen: ContainerEvent[] = [];
    for await (const event of watchEvents(container.cgroup, id)) {
      seen.push(event);
      break;
    }
    expect(seen).toEqual([{ type: 'oom', id }]);
  });
});
