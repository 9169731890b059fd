// Cgroups of version 2 that were delegated to an ordinary user, by a systemd of his own. other-layouts.test.ts runs this in a
// user-mode Linux that has one.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { directoryOf } from '../../../src/container/cgroup/cgroup.js';
import { readControl } from '../../../src/container/cgroup/control-file.js';
import { isPaused, pause, resume } from '../../../src/container/cgroup/freezer.js';
import { processesOf } from '../../../src/container/cgroup/processes.js';
import { startScope } from '../../../src/container/cgroup/systemd.js';
import { updateResources } from '../../../src/container/cgroup/update.js';
import { readCgroupLayout } from '../../../src/host/cgroup-layout.js';
import { isRoot, needs } from '../../skips.js';
import { until } from '../sys/own-launcher.js';
import { OwnContainer, ownConfig, ownSituation } from './own-container.js';
import { ownRootfs, removeRootfs } from './vlab-run.js';

const { layout, unified } = readCgroupLayout();
const id = `user-${process.pid}`;
let rootfs: string;

beforeAll(async () => {
  rootfs = await ownRootfs();
});
beforeEach((context) => {
  needs(context, 'not root', !isRoot);
  needs(context, 'cgroup v2', layout === 'v2');
  needs(context, 'systemd', existsSync(join(process.env.XDG_RUNTIME_DIR ?? '/nowhere', 'systemd/private')));
});
afterAll(() => removeRootfs(rootfs));

describe('an ordinary user', () => {
  it('has limits, pause and update in what was delegated to him', async () => {
    const before = { pids: { limit: 20 }, memory: { limit: 64 << 20 } };
    await using container = await OwnContainer.start({ rootfs, id, cgroupsPath: null, resources: before });
    const { cgroup, pid } = container;
    const directory = directoryOf(cgroup, 'pids');
    // Beside the cgroup that the tests are in, since that has processes and so can have no children with controllers.
    expect(directory?.path).toBe(join(dirname(unified?.ownDirectory ?? ''), 'vlab', id));
    expect(directory && readControl(directory, 'pids.max')).toBe('20');
    expect(processesOf(cgroup)).toEqual([pid]);
    await pause(cgroup);
    expect(isPaused(cgroup)).toBe(true);
    await resume(cgroup);
    await updateResources(cgroup, before, { memory: { limit: 32 << 20 } });
    expect(directory && readControl(directory, 'memory.max')).toBe(`${32 << 20}`);
  });

  it('goes without where nothing was delegated, but not with a limit', async () => {
    {
      await using container = await OwnContainer.start({ rootfs, id, cgroupsPath: `/elsewhere/${id}` });
      expect(container.cgroup.directories).toEqual([]);
    }
    const limited = { rootfs, id, cgroupsPath: `/elsewhere/${id}`, resources: { pids: { limit: 20 } } };
    await expect(OwnContainer.start(limited)).rejects.toThrow('linux.resources.pids.limit needs a cgroup');
  });

  it('gets a scope from his own systemd', async () => {
    const cgroupsPath = `user-box.slice:vlab:${id}`;
    const config = ownConfig({ rootfs, id, cgroupsPath, resources: { memory: { limit: 64 << 20 } } });
    const situation = ownSituation();
    const scope = await startScope(config, id, situation);
    await using container = await OwnContainer.startPlanned(config, situation, scope.planned);
    scope.release();
    const { cgroup, pid } = container;
    expect(cgroup.unit).toEqual({ name: `vlab-${id}.scope`, slice: 'user-box.slice', bus: 'user' });
    const directory = directoryOf(cgroup, 'memory');
    expect(directory?.path).toMatch(new RegExp(`/user\\.slice/user-box\\.slice/vlab-${id}\\.scope$`));
    expect(directory && readControl(directory, 'memory.max')).toBe(`${64 << 20}`);
    await until(() => processesOf(cgroup).length === 1, 'its holder has gone');
    expect(processesOf(cgroup)).toEqual([pid]);
  });
});
