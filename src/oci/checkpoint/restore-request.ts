/** What criu is asked for a restore. Pure. */
import type { Cgroup } from '../../container/cgroup/cgroup.js';
import type { CgroupPlace } from '../../container/cgroup/places.js';
import { configError } from '../../container/config/parse-config.js';
import type { OciConfig } from '../../container/config/schema.js';
import { NAMESPACE_FILES } from '../../container/host-abilities.js';
import type { CriuFlags } from './criu-flags.js';
import { type CriuRequest, REQUEST_TYPES } from './criu-rpc.js';
import { IMAGES_FD, WORK_FD } from './criu-steps.js';
import { commonOptions, type DumpSituation, LOG_LEVEL, OUTER_NAMESPACES } from './dump-request.js';
import { type ExternalMount, sourceOf, usualExternals } from './external-mounts.js';
import type { ImageNotes } from './image-notes.js';

export const RESTORE_LOG = 'restore.log';
/** criu gets namespaces from this number on. */
const FIRST_NAMESPACE_FD = 100;

export interface RestoreSituation {
  bundle: string;
  rootfs: string;
  cgroup: Cgroup;
  places: readonly CgroupPlace[];
  notes: ImageNotes;
  /** Destinations of config.mounts with the image's links followed. */
  resolved: ReadonlyMap<string, string>;
  tools: DumpSituation['tools'];
  configFile?: string;
}

/** A namespace that criu gets as an open file. */
export interface PassedNamespace {
  number: number;
  path: string;
  from: string;
  key: string;
}

/** Network and pid namespaces of others, which are in no image. */
export function passedNamespaces({ linux }: OciConfig): PassedNamespace[] {
  const passed = linux.namespaces.flatMap(({ type, path }, index) =>
    path && (type === 'network' || type === 'pid')
      ? [{ path, from: `linux.namespaces[${index}].path`, key: OUTER_NAMESPACES[type] }]
      : [],
  );
  return passed.map((one, index) => ({ ...one, number: FIRST_NAMESPACE_FD + index }));
}

/** Errors: `input`: the configuration does not fit the image. */
export function restoreRequest(config: OciConfig, seen: RestoreSituation, flags: CriuFlags): CriuRequest {
  const { notes, cgroup } = seen;
  const externals: readonly ExternalMount[] = notes.external ?? usualExternals(config, seen.resolved);
  return {
    type: REQUEST_TYPES.RESTORE,
    opts: {
      images_dir_fd: IMAGES_FD,
      ...(flags.workPath === undefined ? {} : { work_dir_fd: WORK_FD }),
      log_level: LOG_LEVEL,
      log_file: RESTORE_LOG,
      root: seen.rootfs,
      rst_sibling: true,
      evasive_devices: true,
      notify_scripts: true,
      orphan_pts_master: true,
      ...commonOptions(flags, seen.tools, {
        stdio: notes.stdio,
        emptyNetwork: flags.emptyNetwork || notes.emptyNetwork,
      }),
      ...(seen.configFile === undefined ? {} : { config_file: seen.configFile }),
      ...(flags.lsmProfile === undefined ? {} : { lsm_profile: flags.lsmProfile }),
      ...(flags.lsmMountContext === undefined ? {} : { lsm_mount_context: flags.lsmMountContext }),
      ext_mnt: externals.map((external) => ({ key: external.at, val: sourceOf(external, config, seen, cgroup) })),
      inherit_fd: [
        ...passedNamespaces(config).map(({ key, number }) => ({ key, fd: number })),
        ...once(notes.stdio).map(({ key, number }) => ({ key, fd: number })),
      ],
      join_ns: joinedNamespaces(config),
      cg_root: flags.cgroupsMode === 'ignore' ? [] : cgroupRoots(cgroup, seen.places),
    },
  };
}

/** Two descriptors of one pipe are restored as one. */
function once<T extends { key: string }>(all: readonly T[]): T[] {
  return all.filter(({ key }, index) => all.findIndex((other) => other.key === key) === index);
}

/** The other namespaces of others: criu joins them by path. */
function joinedNamespaces({ linux }: OciConfig): { ns: string; ns_file: string }[] {
  return linux.namespaces.flatMap(({ type, path }, index) => {
    if (!path || type === 'network' || type === 'pid') return [];
    if (type === 'cgroup' || type === 'mount') {
      throw configError(`linux.namespaces[${index}].path`, `is a ${type} namespace of others, which criu cannot join`);
    }
    return [{ ns: NAMESPACE_FILES[type], ns_file: path }];
  });
}

/** What was the container's cgroup at the dump becomes this one's, controller by controller. */
function cgroupRoots({ directories }: Cgroup, places: readonly CgroupPlace[]): { ctrl: string; path: string }[] {
  return directories.flatMap(({ version, controllers, path }) => {
    const top = places.find(({ root }) => path.startsWith(`${root}/`))?.root ?? '';
    const below = path.slice(top.length);
    return (version === 2 ? [''] : controllers).map((ctrl) => ({ ctrl, path: below }));
  });
}
