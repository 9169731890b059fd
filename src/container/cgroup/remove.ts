/** The end of a container's cgroup (runtime.md, "Delete": what create made is undone). */
import { rmdirSync } from 'node:fs';
import { errnoOf } from '../../base/errors.js';
import { removeCgroup, subdirectories } from '../../sys/remove-cgroup.js';
import { type Cgroup, type CgroupDirectory, directoryOf } from './cgroup.js';
import { readControl, writeControl } from './control-file.js';

/**
 * Removes the directories, ending what is still in them, and those of its parents that were made for it, unless others are in
 * them now. What is gone already is fine. Error (`operation`): a directory stays busy for 5 s.
 */
export async function removeContainerCgroup(
  cgroup: Cgroup,
  env?: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const freezer = directoryOf(cgroup, 'freezer');
  // The first one tells the next container of that name whether it is alone, so it goes last.
  for (const { path } of [...cgroup.directories].reverse()) {
    if (removed(path)) continue;
    if (freezer) thawAll(freezer);
    await removeCgroup(path);
  }
  if (cgroup.unit) {
    const { stopScope } = await import('./systemd.js');
    await stopScope(cgroup.unit, env);
  }
  const leaves = new Set(cgroup.directories.map(({ path }) => path));
  for (const path of cgroup.made) if (!leaves.has(path)) removed(path);
}

/** Who is frozen cannot end, also where the container has frozen a part of itself. */
function thawAll(freezer: CgroupDirectory): void {
  if (readControl(freezer, 'freezer.state') === undefined) return;
  writeControl(freezer, 'freezer.state', 'THAWED');
  for (const path of subdirectories(freezer.path)) thawAll({ ...freezer, path });
}

/** False: something is in it. */
function removed(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    const errno = errnoOf(error) ?? '';
    if (errno === 'ENOENT') return true;
    if (['EBUSY', 'ENOTEMPTY'].includes(errno)) return false;
    throw error;
  }
}
