// Where containers' cgroups go, on machines that are written by hand.
import { describe, expect, it } from 'vitest';
import { baseOf, parseCgroupsPath } from '../../../src/container/cgroup/cgroup-path.js';
import { cgroupSteps } from '../../../src/container/cgroup/cgroup-steps.js';
import type { Look } from '../../../src/container/cgroup/look.js';
import { cgroupPlaces, usualPlaces } from '../../../src/container/cgroup/places.js';
import { cgroupOf, usualCgroup } from '../../../src/container/cgroup/planned-cgroup.js';
import { defaultConfig } from '../../../src/container/config/default-config.js';
import type { OciConfig, OciResources } from '../../../src/container/config/schema.js';
import type { Situation } from '../../../src/container/situation.js';
import { PlanBuilder } from '../../../src/sys/plan.js';
import { showPlan } from '../../../src/sys/show.js';
import { LAYOUTS, machine, situationOf } from './cgroup-machines.js';
import { REQUEST } from './situations.js';

function config(cgroupsPath?: string, resources: OciResources = {}): OciConfig {
  const { linux, ...rest } = defaultConfig(REQUEST);
  const { cgroupsPath: _, ...others } = linux;
  return { ...rest, linux: { ...others, resources, ...(cgroupsPath === undefined ? {} : { cgroupsPath }) } };
}

/** The steps that make it, as people read them. */
function stepsOf(oci: OciConfig, situation: Situation, look: Look): string {
  const b = new PlanBuilder('x86_64');
  const steps = cgroupSteps(b, oci, situation, cgroupOf(oci, 'c1', situation, look));
  steps.make(b.word('clone_args.cgroup'));
  steps.join();
  steps.remove();
  return showPlan(b.build());
}

const v2 = situationOf(LAYOUTS.v2);
const hybrid = situationOf(LAYOUTS.hybrid);
const TOP = { '/sys/fs/cgroup/cgroup.subtree_control': 'cpuset cpu io memory hugetlb pids' };

describe('cgroupPlaces', () => {
  it('are all hierarchies, the usual ones first and version 2 last', () => {
    expect(hybrid.cgroups.map(({ controllers }) => controllers.join())).toEqual([
      ...['memory', 'cpu,cpuacct', 'pids', 'devices', 'cpuset', 'freezer', 'blkio', 'name=systemd', 'hugetlb'],
    ]);
    expect(usualPlaces(hybrid.cgroups).map(({ controllers }) => controllers.join())).toEqual([
      ...['memory', 'cpu,cpuacct', 'pids', 'devices'],
    ]);
    expect(usualPlaces(v2.cgroups).map(({ controllers }) => controllers)).toEqual([['cpu', 'memory', 'pids']]);
  });

  it('takes more of them where a limit asks for more', () => {
    expect(usualPlaces(hybrid.cgroups, ['cpuset', 'hugetlb']).map(({ controllers }) => controllers.join())).toEqual([
      ...['memory', 'cpu,cpuacct', 'pids', 'devices', 'cpuset', 'hugetlb'],
    ]);
  });

  it('without root are beside and below the own cgroup of version 2, and nowhere else', () => {
    const own = '/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice';
    expect(cgroupPlaces(LAYOUTS.v2, false).map(({ parent }) => parent)).toEqual([
      `${own}/vlab`,
      `${own}/shell.scope/vlab`,
    ]);
    expect(cgroupPlaces(LAYOUTS.hybrid, false)).toEqual([]);
  });
});

describe('linux.cgroupsPath', () => {
  const [place] = v2.cgroups;
  if (!place) throw new Error('no place');

  it.each([
    ['/a/b', '/sys/fs/cgroup/a/b'],
    ['/a/../../b/', '/sys/fs/cgroup/b'],
    ['a/b', '/sys/fs/cgroup/vlab/a/b'],
    ['../../b', '/sys/fs/cgroup/vlab/b'],
    ['', '/sys/fs/cgroup/vlab/c1'],
    [undefined, '/sys/fs/cgroup/vlab/c1'],
    ['slice:prefix:name', '/sys/fs/cgroup/vlab/slice:prefix:name'],
  ])('%s is %s', (path, expected) => {
    const where = parseCgroupsPath(path, 'c1');
    expect(`${baseOf(place, where)}${where.below}`).toBe(expected);
  });

  it.each(['/', '/..', '.', '/a\nb'])('%j is refused', (path) => {
    expect(() => parseCgroupsPath(path, 'c1')).toThrow('config.json: linux.cgroupsPath');
  });
});

describe('the steps that make a cgroup', () => {
  it('on version 2, where all is there', async () => {
    const look = machine({ ...TOP, '/sys/fs/cgroup/vlab/cgroup.subtree_control': 'cpuset cpu io memory hugetlb pids' });
    const oci = config(undefined, { memory: { limit: 1 << 20, swap: 2 << 20 }, pids: { limit: -1 } });
    await expect(stepsOf(oci, v2, look)).toMatchFileSnapshot('golden/cgroup-v2-ready.txt');
    expect(look.asked).toHaveLength(3); // its parent, itself, and what its parent hands down
  });

  it('on version 2, with parents and controllers to hand down', async () => {
    const look = machine({ '/sys/fs/cgroup/cgroup.subtree_control': 'memory pids' });
    const oci = config('/docker/deep/c1', { cpu: { shares: 512, cpus: '0-1' }, blockIO: { weight: 100 } });
    await expect(stepsOf(oci, v2, look)).toMatchFileSnapshot('golden/cgroup-v2-parents.txt');
  });

  it('on a hybrid machine, below a parent that may vanish', async () => {
    const parents = hybrid.cgroups.map(({ root }) => [`${root}/docker/cgroup.procs`, '']);
    const look = machine({
      ...Object.fromEntries(parents),
      '/sys/fs/cgroup/cpuset/docker/cpuset.cpus': '0-3\n',
      '/sys/fs/cgroup/cpuset/docker/cgroup.clone_children': '0\n',
    });
    await expect(stepsOf(config('/docker/c1'), hybrid, look)).toMatchFileSnapshot('golden/cgroup-hybrid-docker.txt');
  });

  it('of version 2 hands the cgroup over to the user of the container that sees it writable', async () => {
    const look = machine({
      ...TOP,
      '/sys/fs/cgroup/vlab/cgroup.subtree_control': 'cpuset cpu io memory hugetlb pids',
      '/sys/kernel/cgroup/delegate': 'cgroup.procs\nmemory.reclaim\n',
    });
    const oci = config();
    oci.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65536 }];
    expect(stepsOf(oci, v2, look)).not.toContain('fchownat');
    oci.mounts = [...oci.mounts, { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [] }];
    expect(stepsOf(oci, v2, look).match(/fchownat\(.*\)/g)).toEqual([
      'fchownat(AT_FDCWD, "/sys/fs/cgroup/vlab/c1", 0x186a0, -1, 0)',
      'fchownat(AT_FDCWD, "/sys/fs/cgroup/vlab/c1/cgroup.procs", 0x186a0, -1, 0)',
      'fchownat(AT_FDCWD, "/sys/fs/cgroup/vlab/c1/memory.reclaim", 0x186a0, -1, 0)',
    ]);
    oci.mounts = [{ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] }];
    expect(stepsOf(oci, v2, look)).not.toContain('fchownat');
  });

  it('below a threaded cgroup makes a threaded one, unless a limit needs more', () => {
    const look = machine({
      '/sys/fs/cgroup/t/cgroup.type': 'threaded\n',
      '/sys/fs/cgroup/t/cgroup.subtree_control': 'cpu pids',
    });
    expect(stepsOf(config('/t/c1', { pids: { limit: 5 } }), v2, look)).toContain('set it to threaded');
    expect(() => stepsOf(config('/t/c1', { memory: { limit: 5 } }), v2, look)).toThrow(
      'linux.resources.memory.limit needs the memory controller, which no threaded cgroup can have',
    );
  });
});

describe('an ordinary user', () => {
  const own = '/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice';
  const user = situationOf(LAYOUTS.v2, { uid: 1000, gid: 1000 });
  const delegated = {
    ...TOP,
    '/sys/fs/cgroup/user.slice/cgroup.subtree_control': 'cpu memory pids',
    '/sys/fs/cgroup/user.slice/user-1000.slice/cgroup.subtree_control': 'cpu memory pids',
    '/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/cgroup.subtree_control': 'memory pids',
    [`${own}/cgroup.subtree_control`]: '',
    [`${own}/vlab/cgroup.subtree_control`]: '',
  };
  const notHis = [
    ...['/sys/fs/cgroup', '/sys/fs/cgroup/user.slice', '/sys/fs/cgroup/user.slice/user-1000.slice'],
  ].flatMap((directory) => [directory, `${directory}/cgroup.subtree_control`]);

  it('gets what was delegated to him', () => {
    const { cgroup, directories } = cgroupOf(config(), 'c1', user, machine(delegated, { readOnly: notHis }));
    const [only] = cgroup.directories;
    expect(only?.path).toBe(`${own}/vlab/c1`);
    // cpu comes as far as to the service, which is his to hand it on
    expect(only?.controllers).toEqual(['cpu', 'memory', 'pids']);
    expect(directories[0]?.handDown).toEqual([
      { path: '/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service', controllers: ['cpu'] },
      { path: own, controllers: ['cpu', 'memory', 'pids'] },
      { path: `${own}/vlab`, controllers: ['cpu', 'memory', 'pids'] },
    ]);
  });

  it('goes without where he may make none, but not with a limit', () => {
    const look = machine(delegated, { readOnly: notHis });
    expect(cgroupOf(config('/libpod_parent/c1'), 'c1', user, look).cgroup).toEqual({ directories: [], made: [] });
    expect(() => cgroupOf(config('/libpod_parent/c1', { pids: { limit: 5 } }), 'c1', user, look)).toThrow(
      'linux.resources.pids.limit needs a cgroup with the pids controller, but nothing may be made in /sys/fs/cgroup',
    );
  });

  it('is also the superuser of a user namespace', () => {
    const look = machine(TOP, { readOnly: ['/sys/fs/cgroup'], inUserNamespace: true });
    expect(cgroupOf(config('/a/c1'), 'c1', v2, look).cgroup.directories).toEqual([]);
  });
});

describe('a cgroup that is there', () => {
  const files = {
    ...TOP,
    '/sys/fs/cgroup/a/c1/cgroup.procs': '',
    '/sys/fs/cgroup/a/cgroup.subtree_control': 'cpuset cpu io memory hugetlb pids',
  };

  it('is taken when it is empty', () => {
    const { cgroup } = cgroupOf(config('/a/c1'), 'c1', v2, machine(files));
    expect(cgroup.made).toEqual(['/sys/fs/cgroup/a/c1']); // its parent stays
  });

  it('is refused when it has processes, or is frozen', () => {
    expect(() => cgroupOf(config('/a/c1'), 'c1', v2, machine(files, { processes: 3 }))).toThrow(
      'config.json: linux.cgroupsPath names a cgroup that is not empty: 3 process(es) found',
    );
    const frozen = machine({ ...files, '/sys/fs/cgroup/a/c1/cgroup.freeze': '1\n' });
    expect(() => cgroupOf(config('/a/c1'), 'c1', v2, frozen)).toThrow('is frozen');
  });
});

describe('what was made for a container', () => {
  it("is itself and its missing parents, but never vlab's own", () => {
    const { cgroup } = cgroupOf(config('x/y'), 'c1', v2, machine(TOP));
    expect(cgroup.made).toEqual(['/sys/fs/cgroup/vlab/x/y', '/sys/fs/cgroup/vlab/x']);
  });

  it('takes in parents that were made for another container, which may end before it', () => {
    const files = { ...TOP, '/sys/fs/cgroup/a/b/cgroup.subtree_control': '' };
    const look = machine(files, { ours: ['/sys/fs/cgroup/a/b'] });
    expect(cgroupOf(config('/a/b/c1'), 'c1', v2, look).cgroup.made).toEqual([
      '/sys/fs/cgroup/a/b/c1',
      '/sys/fs/cgroup/a/b',
    ]);
  });

  it('is plain JSON', () => {
    const { cgroup } = cgroupOf(config('/a/b'), 'c1', hybrid, machine({}));
    expect(JSON.parse(JSON.stringify(cgroup))).toEqual(cgroup);
    expect(cgroup.made).toHaveLength(2 * hybrid.cgroups.length);
  });
});

describe('vlab run', () => {
  it('looks at nothing, and goes into more hierarchies when a limit asks for them', () => {
    const few = usualCgroup(config('/vlab/c1'), hybrid).cgroup.directories;
    expect(few.map(({ path }) => path)).toEqual([
      ...['memory', 'cpu,cpuacct', 'pids', 'devices'].map((name) => `/sys/fs/cgroup/${name}/vlab/c1`),
    ]);
    const more = usualCgroup(config('/vlab/c1', { cpu: { cpus: '0' } }), hybrid);
    expect(more.directories.map(({ path, takeOver }) => [path, takeOver]).at(-1)).toEqual([
      '/sys/fs/cgroup/cpuset/vlab/c1',
      ['/sys/fs/cgroup/cpuset/vlab'],
    ]);
    const onV2 = usualCgroup(config('/vlab/c1', { cpu: { cpus: '0' } }), v2).directories[0];
    expect(onV2?.controllers).toEqual(['cpuset', 'cpu', 'memory', 'pids']);
    expect(onV2?.handDown.map(({ path, controllers }) => [path, controllers])).toEqual([
      ['/sys/fs/cgroup', ['cpuset']],
      ['/sys/fs/cgroup/vlab', ['cpuset']],
    ]);
  });
});
