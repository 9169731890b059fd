/** The directories that a further process of a running container joins (`exec`, `exec --cgroup`). */
import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { VlabError } from '../../base/errors.js';
import { readCgroupLayout } from '../../host/cgroup-layout.js';
import { type Cgroup, type CgroupDirectory, type JoinedCgroup, OWN_THREAD } from './cgroup.js';
import { readControl } from './control-file.js';
import { INSIDE } from './make-steps.js';

/**
 * The container's own directories; or below them where its first process, `pid`, went: a cgroup of version 2 that hands
 * controllers down takes no process itself (cgroups(7), "no internal processes"), which is so wherever systemd is the
 * container's init. `asked`: sub-cgroups by path, or by `controller,controller:path`. Errors: `input` for one that is not there.
 */
export function execDirectories(cgroup: Cgroup, pid: number, asked: readonly string[] = []): JoinedCgroup[] {
  const chosen = asked.map((text) => parseAsked(text));
  return cgroup.directories.map((directory) => {
    const { controllers, path, version } = directory;
    const sub = chosen.find(({ names }) => names === undefined || names.some((name) => controllers.includes(name)));
    if (sub) return { version, path: subCgroup(path, sub.path) };
    const handsDown = version === 2 && (readControl(directory, 'cgroup.subtree_control') ?? '') !== '';
    return { version, path: handsDown ? cgroupOfProcess(directory, pid) : path };
  });
}

/** The same of a container of `vlab run`, by the directories that it owns. */
export function ownedExecDirectories(owned: readonly string[], pid: number): JoinedCgroup[] {
  return owned.map((path) => {
    const version = existsSync(join(path, OWN_THREAD)) ? 1 : 2;
    const inside = join(path, INSIDE);
    if (!existsSync(inside)) return { version, path };
    return { version, path: version === 2 ? cgroupOfProcess({ path: inside }, pid) : inside };
  });
}

interface Asked {
  /** Undefined: in every hierarchy. */
  names: string[] | undefined;
  path: string;
}

function parseAsked(text: string): Asked {
  const colon = text.indexOf(':');
  return colon < 0
    ? { names: undefined, path: text }
    : { names: text.slice(0, colon).split(','), path: text.slice(colon + 1) };
}

function subCgroup(directory: string, sub: string): string {
  const path = posix.join(directory, posix.normalize(`/${sub}`)).replace(/\/$/, '');
  if (existsSync(path)) return path;
  throw new VlabError('input', `the container has no cgroup ${sub}`, { hint: `it would be ${path}` });
}

/** Where the process is in version 2, which may be anywhere below the container's directory. */
function cgroupOfProcess({ path }: Pick<CgroupDirectory, 'path'>, pid: number): string {
  const { unified } = readCgroupLayout('/proc/self', `/proc/${pid}`);
  return unified?.ownDirectory ?? path;
}
