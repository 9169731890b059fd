import { describe, expect, it } from 'vitest';
import { parseCgroupLayout, readCgroupLayout } from '../../../src/host/cgroup-layout.js';

const OTHER_MOUNTS = `22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
23 22 0:21 / /proc rw,nosuid - proc proc rw
`;

describe('a systemd host with the unified hierarchy', () => {
  const layout = parseCgroupLayout({
    mountinfo: `${OTHER_MOUNTS}30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n`,
    selfCgroup: '0::/user.slice/user-1000.slice/session-3.scope\n',
    unifiedControllers: 'cpuset cpu io memory hugetlb pids rdma misc\n',
  });

  it('is v2, with every controller at one mount', () => {
    expect(layout.layout).toBe('v2');
    expect(Object.keys(layout.controllers)).toEqual([
      'cpuset',
      'cpu',
      'io',
      'memory',
      'hugetlb',
      'pids',
      'rdma',
      'misc',
    ]);
    expect(layout.controllers.memory).toEqual(layout.unified);
    expect(layout.named).toEqual({});
  });

  it('finds the own cgroup', () => {
    expect(layout.unified).toEqual({
      version: 2,
      mountPoint: '/sys/fs/cgroup',
      ownPath: '/user.slice/user-1000.slice/session-3.scope',
      ownDirectory: '/sys/fs/cgroup/user.slice/user-1000.slice/session-3.scope',
      readOnly: false,
    });
  });
});

describe('an older host with v1 alone', () => {
  const layout = parseCgroupLayout({
    mountinfo: `${OTHER_MOUNTS}25 24 0:22 / /sys/fs/cgroup/systemd rw shared:8 - cgroup cgroup rw,xattr,name=systemd
33 24 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:14 - cgroup cgroup rw,cpu,cpuacct
34 24 0:30 / /sys/fs/cgroup/memory ro,nosuid shared:15 - cgroup cgroup rw,memory
`,
    selfCgroup: '4:memory:/user.slice\n3:cpu,cpuacct:/\n1:name=systemd:/user.slice/session-1.scope\n2:net_cls:/\n',
    unifiedControllers: '',
  });

  it('is v1: controllers that share a mount share a hierarchy, and one that is not mounted is absent', () => {
    expect(layout.layout).toBe('v1');
    expect(Object.keys(layout.controllers).sort()).toEqual(['cpu', 'cpuacct', 'memory']);
    expect(layout.controllers.cpu).toEqual(layout.controllers.cpuacct);
    expect(layout.controllers.cpu?.mountPoint).toBe('/sys/fs/cgroup/cpu,cpuacct');
    expect(layout.unified).toBeUndefined();
    expect(layout.named.systemd?.ownDirectory).toBe('/sys/fs/cgroup/systemd/user.slice/session-1.scope');
  });

  it('says that a mount is read-only', () => {
    expect(layout.controllers.memory?.readOnly).toBe(true);
    expect(layout.controllers.cpu?.readOnly).toBe(false);
  });
});

describe('the hybrid layout', () => {
  const layout = parseCgroupLayout({
    mountinfo: `${OTHER_MOUNTS}30 22 0:27 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
31 30 0:28 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
34 30 0:31 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
39 30 0:36 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
40 30 0:37 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`,
    selfCgroup: '9:name=systemd:/\n4:memory:/machine/00ff\n1:cpu:/\n0::/\n',
    unifiedControllers: 'hugetlb\n',
  });

  it('keeps v1 for the controllers and v2 for the rest', () => {
    expect(layout.layout).toBe('hybrid');
    expect(layout.controllers.memory).toMatchObject({
      version: 1,
      ownDirectory: '/sys/fs/cgroup/memory/machine/00ff',
    });
    expect(layout.controllers.hugetlb).toMatchObject({ version: 2, mountPoint: '/sys/fs/cgroup/unified' });
    expect(layout.unified?.ownDirectory).toBe('/sys/fs/cgroup/unified');
  });
});

describe('inside a container', () => {
  it('translates the own path through the root of the mount', () => {
    const layout = parseCgroupLayout({
      mountinfo: '34 30 0:31 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n',
      selfCgroup: '4:memory:/docker/abc/inner\n',
      unifiedControllers: '',
    });
    expect(layout.controllers.memory?.ownDirectory).toBe('/sys/fs/cgroup/memory/inner');
  });

  it('has no own directory when the mount shows another part', () => {
    const layout = parseCgroupLayout({
      mountinfo: '34 30 0:31 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n',
      selfCgroup: '4:memory:/elsewhere\n',
      unifiedControllers: '',
    });
    expect(layout.controllers.memory?.ownDirectory).toBeUndefined();
  });

  it('takes the mount that shows the own cgroup, and a writable one first', () => {
    const layout = parseCgroupLayout({
      mountinfo: `1 0 0:3 /other /a rw - cgroup2 c rw
2 0 0:3 / /b ro - cgroup2 c rw
3 0 0:3 / /with\\040space rw - cgroup2 c rw
`,
      selfCgroup: '0::/mine\n',
      unifiedControllers: '',
    });
    expect(layout.unified?.ownDirectory).toBe('/with space/mine');
  });
});

it('is none where nothing is mounted', () => {
  expect(parseCgroupLayout({ mountinfo: OTHER_MOUNTS, selfCgroup: '0::/\n', unifiedControllers: '' })).toEqual({
    layout: 'none',
    controllers: {},
    named: {},
  });
  expect(readCgroupLayout('/nonexistent').layout).toBe('none');
});
