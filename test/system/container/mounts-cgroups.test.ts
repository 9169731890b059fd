// Mounts of type cgroup: a container sees its own cgroups, in a namespace of theirs and without one. Needs root.
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CGROUP_PARENT, type CgroupPlace, usualPlaces } from '../../../src/container/cgroup/places.js';
import type { OciConfig } from '../../../src/container/config/schema.js';
import { readSituation } from '../../../src/container/situation.js';
import { readCgroupLayout } from '../../../src/host/cgroup-layout.js';
import { isRoot, needs } from '../../skips.js';
import { mountAt, mountsOf, runConfig } from './run-config.js';
import { withRootfs } from './vlab-run.js';

const { unified } = readCgroupLayout();
const hasUnified = isRoot && unified !== undefined && !unified.readOnly;
const root = join(unified?.mountPoint ?? '/nowhere', `vlab-test-${process.pid}`);
const parent = join(root, CGROUP_PARENT);
// There before, and so nothing that a container left.
beforeAll(() => void (hasUnified && mkdirSync(parent, { recursive: true })));
afterAll(() => {
  if (hasUnified) for (const directory of [parent, root]) rmdirSync(directory);
});

let rootfs: string;
withRootfs((own) => {
  rootfs = own;
});

const mounts = (...options: string[]) => [
  {
    destination: '/sys/fs/cgroup',
    type: 'cgroup',
    source: 'cgroup',
    options: ['nosuid', 'noexec', 'nodev', ...options],
  },
];
const withoutNamespace = ({ linux }: OciConfig) => {
  linux.namespaces = linux.namespaces.filter(({ type }) => type !== 'cgroup');
};

describe('of version 1', () => {
  let cgroups: CgroupPlace[];
  let usual: CgroupPlace[];
  beforeAll(() => {
    cgroups = isRoot ? readSituation([]).cgroups : [];
    usual = usualPlaces(cgroups).filter(({ version }) => version === 1);
  });
  beforeEach((context) => needs(context, 'cgroup v1', usual.length > 0));
  const nameOf = ({ controllers }: CgroupPlace) => [...controllers].sort().join(',');

  it('each hierarchy is a mount, with its own cgroup as the root', async () => {
    const seen = await mountsOf({ rootfs, mounts: mounts('ro'), situation: { cgroups } });
    expect(mountAt(seen, '/sys/fs/cgroup')).toMatchObject({
      type: 'tmpfs',
      options: expect.arrayContaining(['ro', 'nosuid']),
    });
    for (const place of usual) {
      const mount = mountAt(seen, `/sys/fs/cgroup/${nameOf(place)}`);
      expect(mount).toMatchObject({ type: 'cgroup', root: '/', options: expect.arrayContaining(['ro', 'noexec']) });
      expect(mount.superOptions).toEqual(expect.arrayContaining(place.controllers));
    }
    expect(seen.filter(({ type }) => type === 'cgroup')).toHaveLength(usual.length);
    const run = { rootfs, mounts: mounts('ro'), situation: { cgroups } };
    expect((await runConfig({ ...run, words: ['make', '/sys/fs/cgroup/x'] })).stdout).toContain('Read-only');
    const memory = ['has-line', '/sys/fs/cgroup/memory/cgroup.procs', '1'];
    expect((await runConfig({ ...run, words: memory })).exit).toEqual({ code: 0 });
  });

  it('without the namespace its own directories are shown', async () => {
    const run = { rootfs, mounts: mounts(), change: withoutNamespace, situation: { cgroups } };
    const seen = await mountsOf(run);
    for (const place of usual) {
      expect(mountAt(seen, `/sys/fs/cgroup/${nameOf(place)}`).root).toMatch(`/${CGROUP_PARENT}/vlab-config-`);
    }
    const memory = ['has-line', '/sys/fs/cgroup/memory/cgroup.procs', '1'];
    expect((await runConfig({ ...run, words: memory })).exit).toEqual({ code: 0 });
  });
});

describe('of version 2', () => {
  const situation = { cgroups: [{ version: 2 as const, root, parent, controllers: [] }] };
  beforeEach((context) => needs(context, 'cgroup v2', hasUnified));

  it('it is one mount, with its own cgroup as the root', async () => {
    const run = { rootfs, mounts: mounts('ro', 'rslave'), situation };
    const seen = mountAt(await mountsOf(run), '/sys/fs/cgroup');
    expect(seen).toMatchObject({ type: 'cgroup2', root: '/', source: 'cgroup' });
    expect(seen.options).toEqual(['ro', 'nosuid', 'nodev', 'noexec', 'relatime']);
    const procs = ['has-line', '/sys/fs/cgroup/cgroup.procs', '1'];
    expect((await runConfig({ ...run, words: procs })).exit).toEqual({ code: 0 });
  });

  it('without the namespace it is the whole, as with runc', async () => {
    const seen = mountAt(
      await mountsOf({ rootfs, mounts: mounts(), change: withoutNamespace, situation }),
      '/sys/fs/cgroup',
    );
    expect([seen.type, seen.options[0]]).toEqual(['cgroup2', 'rw']);
  });

  it('where a new one is refused, its own cgroup is bound', async () => {
    const seen = await mountsOf({
      rootfs,
      mounts: mounts('ro'),
      situation: { ...situation, inUserNamespace: true },
      tamper(plan) {
        // A kernel that refuses says EPERM; so does this, a node in a devpts.
        const step = plan.steps.find(({ call, why }) => call === 'fsopen' && why === 'begin a new cgroup2');
        const refused = plan.steps.find(
          ({ call, result }) => call === 'fsmount' && result?.text === '/dev/pts',
        )?.result;
        if (!step || !refused) throw new Error('there are no such steps');
        step.call = 'mknodat';
        step.args = [refused, step.args[0] as never, { kind: 'num', value: 0o020666n }, { kind: 'num', value: 259n }];
      },
    });
    expect(mountAt(seen, '/sys/fs/cgroup')).toMatchObject({ type: 'cgroup2' });
    expect(mountAt(seen, '/sys/fs/cgroup').options).toEqual(['ro', 'nosuid', 'nodev', 'noexec', 'relatime']);
  });
});
