import { type Change, diffOf } from '../../storage/diff.js';
import { containerDir } from '../record/container-files.js';
import type { ContainerRecord } from '../record/records.js';

/** Places that every container has mounted over. */
const MOUNTED = ['/etc/hosts', '/etc/resolv.conf', '/etc/hostname', '/dev', '/proc', '/sys'];

/** What it has changed of its image. What was only made to mount over it is no change of the container's, as docker has it. */
export async function changesOf({ id, definition }: ContainerRecord): Promise<Change[]> {
  // What lies in a directory of the host was there before, or was not: nobody has looked.
  if (definition.root.kind === 'directory') return [];
  const places = new Set([...MOUNTED, ...definition.mounts.map(({ destination }) => destination)]);
  const all = await diffOf(containerDir(id));
  const own = all.filter(({ path }) => !places.has(path));
  const parents = new Set([...places].flatMap(parentsOf));
  // A directory that was only touched to put such a place into it.
  const isOwn = ({ path }: Change) => !parents.has(path) || own.some((other) => other.path.startsWith(`${path}/`));
  return own.filter(isOwn);
}

function parentsOf(path: string): string[] {
  const parts = path.split('/').slice(1, -1);
  return parts.map((_, at) => `/${parts.slice(0, at + 1).join('/')}`);
}
