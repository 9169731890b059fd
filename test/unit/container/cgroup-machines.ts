/** Machines whose cgroups are described by hand, as `cgroupOf` looks at them. */
import type { Look } from '../../../src/container/cgroup/look.js';
import { cgroupPlaces } from '../../../src/container/cgroup/places.js';
import type { Situation } from '../../../src/container/situation.js';
import { type CgroupLayout, parseCgroupLayout } from '../../../src/host/cgroup-layout.js';

const HYBRID = ['memory', 'cpu,cpuacct', 'cpuset', 'pids', 'devices', 'freezer', 'blkio', 'name=systemd'];

export const LAYOUTS: Record<'hybrid' | 'v1' | 'v2', CgroupLayout> = {
  hybrid: parseCgroupLayout({
    mountinfo: [...HYBRID.map(v1Mount), '99 1 0:99 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n'].join(''),
    selfCgroup: [...HYBRID.map((names, index) => `${index + 1}:${names}:/\n`), '0::/\n'].join(''),
    unifiedControllers: 'hugetlb',
  }),
  v1: parseCgroupLayout({
    mountinfo: HYBRID.map(v1Mount).join(''),
    selfCgroup: HYBRID.map((names, index) => `${index + 1}:${names}:/\n`).join(''),
    unifiedControllers: '',
  }),
  v2: parseCgroupLayout({
    mountinfo: '30 1 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n',
    selfCgroup: '0::/user.slice/user-1000.slice/user@1000.service/app.slice/shell.scope\n',
    unifiedControllers: 'cpuset cpu io memory hugetlb pids',
  }),
};

function v1Mount(names: string, index: number): string {
  const directory = names.replace('name=', '');
  return `${index + 40} 1 0:${index + 40} / /sys/fs/cgroup/${directory} rw - cgroup cgroup rw,${names}\n`;
}

export function situationOf(layout: CgroupLayout, rootless?: Situation['rootless']): Situation {
  const cgroups = cgroupPlaces(layout, rootless === undefined);
  return { arch: 'x86_64', kernelPaths: {}, rootless, cgroups: rootless ? cgroups.slice(0, 1) : cgroups };
}

/** A machine with these files; a directory is there when a file is in it. `asked` collects what was looked at. */
export function machine(
  files: Readonly<Record<string, string>>,
  more: {
    readOnly?: readonly string[];
    processes?: number;
    inUserNamespace?: boolean;
    /** Parents with vlab's mark. */
    ours?: readonly string[];
  } = {},
): Look & { asked: string[] } {
  const asked: string[] = [];
  const read = (path: string) => {
    asked.push(path);
    return files[path];
  };
  const under = (path: string) => Object.keys(files).some((file) => file === path || file.startsWith(`${path}/`));
  return {
    asked,
    exists(path) {
      asked.push(path);
      return under(path);
    },
    parent(path) {
      asked.push(path);
      if (!under(path)) return 'missing';
      return more.ours?.includes(path) ? 'ours' : "another's";
    },
    read,
    writable: (directory) => !(more.readOnly ?? []).includes(directory),
    processes: () => more.processes ?? 0,
    inUserNamespace: () => more.inUserNamespace ?? false,
  };
}
