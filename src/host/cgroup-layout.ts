import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { errnoOf } from '../base/errors.js';

/** Where one cgroup hierarchy can be seen, and where this process sits in it (cgroups(7)). */
export interface CgroupHierarchy {
  version: 1 | 2;
  mountPoint: string;
  /** This process's cgroup as /proc/self/cgroup says it: relative to the root of its cgroup namespace. */
  ownPath: string;
  /** The directory of that cgroup, or undefined when it lies outside what is mounted. */
  ownDirectory: string | undefined;
  /** Mounted read-only: nothing can be made in it. */
  readOnly: boolean;
}

/**
 * Which cgroup interface this machine has.
 * - `v2`: one unified hierarchy, and no controller on v1.
 * - `v1`: no unified hierarchy is mounted.
 * - `hybrid`: controllers on v1 and a unified hierarchy beside them (often for tracking processes only).
 * - `none`: nothing is mounted.
 */
export interface CgroupLayout {
  layout: 'v1' | 'v2' | 'hybrid' | 'none';
  /** By controller name (`memory`, `cpu`, `pids`, …): only those that can be reached through a mount. */
  controllers: Record<string, CgroupHierarchy>;
  /** v1 hierarchies without a controller, by name (`systemd`). */
  named: Record<string, CgroupHierarchy>;
  /** The v2 hierarchy, if one is mounted. */
  unified?: CgroupHierarchy;
}

/** What `parseCgroupLayout` reads, as text. */
export interface CgroupSources {
  /** /proc/self/mountinfo, proc_pid_mountinfo(5) */
  mountinfo: string;
  /** /proc/self/cgroup, cgroups(7): `ID:CONTROLLERS:PATH` */
  selfCgroup: string;
  /** `cgroup.controllers` of the unified hierarchy's root: names with spaces between; empty when there is none. */
  unifiedControllers: string;
}

/**
 * Reads this machine's layout now. `member`: whose cgroups are the "own" ones, as a directory of /proc. Errors: none of a
 * missing cgroup interface, that is layout `none`.
 */
export function readCgroupLayout(proc = '/proc/self', member = proc): CgroupLayout {
  const mountinfo = readOrEmpty(join(proc, 'mountinfo'));
  const unified = parseMounts(mountinfo).find((mount) => mount.type === 'cgroup2');
  return parseCgroupLayout({
    mountinfo,
    selfCgroup: readOrEmpty(join(member, 'cgroup')),
    unifiedControllers: unified ? readOrEmpty(join(unified.mountPoint, 'cgroup.controllers')) : '',
  });
}

/** The pure half: three texts to a layout. */
export function parseCgroupLayout(sources: CgroupSources): CgroupLayout {
  const mounts = parseMounts(sources.mountinfo);
  const layout: CgroupLayout = { layout: 'none', controllers: {}, named: {} };
  for (const line of sources.selfCgroup.split('\n')) {
    const [, id, names, ownPath] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    if (id === undefined || names === undefined || ownPath === undefined) continue;
    if (id === '0') {
      const hierarchy = seeHierarchy(
        mounts.filter((mount) => mount.type === 'cgroup2'),
        2,
        ownPath,
      );
      if (hierarchy) layout.unified = hierarchy;
      continue;
    }
    const controllers = names.split(',');
    const hierarchy = seeHierarchy(
      mounts.filter((mount) => mount.type === 'cgroup' && controllers.every((name) => mount.options.includes(name))),
      1,
      ownPath,
    );
    if (!hierarchy) continue;
    for (const name of controllers) {
      if (name.startsWith('name=')) layout.named[name.slice('name='.length)] = hierarchy;
      else layout.controllers[name] = hierarchy;
    }
  }
  const hasV1 = Object.keys(layout.controllers).length + Object.keys(layout.named).length > 0;
  if (layout.unified) {
    for (const name of sources.unifiedControllers.split(/\s+/).filter(Boolean)) {
      layout.controllers[name] = layout.unified;
    }
    layout.layout = hasV1 ? 'hybrid' : 'v2';
  } else if (hasV1) layout.layout = 'v1';
  return layout;
}

interface Mount {
  /** The part of the file system that is mounted: `/`, or a container's own cgroup. */
  root: string;
  mountPoint: string;
  readOnly: boolean;
  type: string;
  /** Options of the file system, where v1 names its controllers. */
  options: string[];
}

function parseMounts(mountinfo: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ');
    const [, , , root, mountPoint, perMount] = before?.split(' ') ?? [];
    const [type, , options] = after?.split(' ') ?? [];
    if (root === undefined || mountPoint === undefined || type === undefined) continue;
    const fileSystemOptions = options?.split(',') ?? [];
    mounts.push({
      root: unescapeOctal(root),
      mountPoint: unescapeOctal(mountPoint),
      readOnly: (perMount ?? '').split(',').includes('ro') || fileSystemOptions.includes('ro'),
      type,
      options: fileSystemOptions,
    });
  }
  return mounts;
}

/** Of several mounts of one hierarchy the one that shows our own cgroup is taken, a writable one first. */
function seeHierarchy(mounts: Mount[], version: 1 | 2, ownPath: string): CgroupHierarchy | undefined {
  const seen = mounts.map((mount) => ({
    version,
    mountPoint: mount.mountPoint,
    ownPath,
    ownDirectory: directoryOf(mount, ownPath),
    readOnly: mount.readOnly,
  }));
  const rank = (hierarchy: CgroupHierarchy) => (hierarchy.ownDirectory ? 2 : 0) + (hierarchy.readOnly ? 0 : 1);
  return seen.sort((a, b) => rank(b) - rank(a))[0];
}

function directoryOf(mount: Mount, ownPath: string): string | undefined {
  const below = relative(mount.root, ownPath);
  return below === '..' || below.startsWith('../') ? undefined : join(mount.mountPoint, below);
}

/** mountinfo writes space, tab, newline and backslash as three octal digits. */
export function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'EACCES', 'EINVAL', 'ENODEV'].includes(errnoOf(error) ?? '')) return '';
    throw error;
  }
}
