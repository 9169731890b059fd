// Containers in transient scopes of systemd. Needs systemd as process 1: other-layouts.test.ts runs this in a user-mode Linux
// that has it.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CgroupDirectory, directoryOf } from '../../../src/container/cgroup/cgroup.js';
import { readControl } from '../../../src/container/cgroup/control-file.js';
import { processesOf } from '../../../src/container/cgroup/processes.js';
import { removeContainerCgroup } from '../../../src/container/cgroup/remove.js';
import { startScope } from '../../../src/container/cgroup/systemd.js';
import { updateResources } from '../../../src/container/cgroup/update.js';
import type { OciConfig, OciResources } from '../../../src/container/config/schema.js';
import { isRoot, needs } from '../../skips.js';
import { until } from '../sys/own-launcher.js';
import { OwnContainer, ownConfig, ownSituation } from './own-container.js';
import { ownRootfs, removeRootfs } from './vlab-run.js';

const id = `scope-${process.pid}`;
const unit = `vlab-${id}.scope`;
let rootfs: string;

beforeAll(async () => {
  rootfs = await ownRootfs();
});
beforeEach((context) => {
  needs(context, 'root', isRoot);
  needs(context, 'systemd', existsSync('/run/systemd/system'));
});
afterAll(() => removeRootfs(rootfs));

async function inScope(resources: OciResources, more: Partial<OciConfig> = {}): Promise<OwnContainer> {
  const config = { ...ownConfig({ rootfs, id, resources, cgroupsPath: `machine.slice:vlab:${id}` }), ...more };
  const situation = ownSituation();
  const scope = await startScope(config, id, situation);
  try {
    return await OwnContainer.startPlanned(config, situation, scope.planned);
  } finally {
    scope.release();
  }
}

function show(...properties: string[]): Record<string, string> {
  const args = ['show', unit, ...properties.map((name) => `--property=${name}`)];
  const lines = execFileSync('systemctl', args, { encoding: 'utf8' }).trim().split('\n');
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/).slice(0, 2)));
}

const read = (directory: CgroupDirectory | undefined, v1: string, v2: string) =>
  directory && readControl(directory, directory.version === 1 ? v1 : v2);

describe("systemd's cgroup driver", () => {
  it('puts the container into a scope of its own, with its limits in both places', async () => {
    const resources: OciResources = { memory: { limit: 64 << 20 }, pids: { limit: 20 }, cpu: { quota: 33_300 } };
    {
      await using container = await inScope(resources, {
        annotations: { 'org.systemd.property.TimeoutStopUSec': 'uint64 5000000' },
      });
      const { cgroup, pid } = container;
      expect(cgroup.unit).toEqual({ name: unit, slice: 'machine.slice', bus: 'system' });
      for (const { path } of cgroup.directories) expect(path.endsWith(`/machine.slice/${unit}`)).toBe(true);
      expect(show('ActiveState', 'Slice', 'Delegate')).toEqual({
        ActiveState: 'active',
        Slice: 'machine.slice',
        Delegate: 'yes',
      });
      expect(show('MemoryMax', 'TasksMax')).toEqual({ MemoryMax: `${64 << 20}`, TasksMax: '20' });
      // systemd knows whole percents only.
      expect(show('CPUQuotaPerSecUSec', 'TimeoutStopUSec')).toEqual({
        CPUQuotaPerSecUSec: '340ms',
        TimeoutStopUSec: '5s',
      });
      const memory = directoryOf(cgroup, 'memory');
      expect(read(memory, 'memory.limit_in_bytes', 'memory.max')).toBe(`${64 << 20}`);
      expect(read(directoryOf(cgroup, 'cpu'), 'cpu.cfs_quota_us', 'cpu.max')?.split(' ')[0]).toBe('33300');
      await until(() => processesOf(cgroup).length === 1, 'its holder has gone');
      expect(processesOf(cgroup)).toEqual([pid]);
    }
    await until(() => show('ActiveState').ActiveState === 'inactive', 'the scope has gone');
  });

  it('tells systemd about an update, so that a reload changes nothing', async () => {
    const before: OciResources = { memory: { limit: 64 << 20 }, pids: { limit: 20 } };
    await using container = await inScope(before);
    const wanted: OciResources = {
      memory: { limit: 32 << 20 },
      pids: { limit: 10 },
      devices: [{ allow: false }, { allow: true, type: 'c', major: 10, minor: 229, access: 'rw' }],
    };
    await updateResources(container.cgroup, before, wanted);
    execFileSync('systemctl', ['daemon-reload']);
    expect(show('MemoryMax', 'TasksMax')).toEqual({ MemoryMax: `${32 << 20}`, TasksMax: '10' });
    expect(read(directoryOf(container.cgroup, 'memory'), 'memory.limit_in_bytes', 'memory.max')).toBe(`${32 << 20}`);
    const devices = directoryOf(container.cgroup, 'devices');
    if (devices) {
      expect(readControl(devices, 'devices.list')?.split('\n')).toEqual(
        expect.arrayContaining(['c 1:3 rwm', 'c 10:229 rw']),
      );
      expect(show('DevicePolicy')).toEqual({ DevicePolicy: 'strict' });
    }
  });

  it('removes a scope whose container still runs', async () => {
    const container = await inScope({});
    await removeContainerCgroup(container.cgroup);
    expect(await container.ended()).toEqual({ signal: 9 });
    expect(container.cgroup.directories.filter(({ path }) => existsSync(path))).toEqual([]);
    expect(show('LoadState', 'ActiveState')).toEqual({ LoadState: 'not-found', ActiveState: 'inactive' });
    await removeContainerCgroup(container.cgroup); // once more is no error
  });

  it('says what systemd does not take', async () => {
    await expect(inScope({}, { annotations: { 'org.systemd.property.NoSuchThing': '5' } })).rejects.toThrow(
      /systemd does not make the scope vlab-scope-\d+.scope: .*NoSuchThing/,
    );
    await using _first = await inScope({});
    await expect(inScope({})).rejects.toThrow(/systemd does not make the scope/);
  });
});
