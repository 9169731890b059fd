/** Gives a new user namespace its ids (user_namespaces(7), newuidmap(1)). */
import { writeFileSync } from 'node:fs';
import { messageOf, VlabError } from '../../base/errors.js';
import { mustRun } from '../../base/exec.js';
import type { IdMaps, IdRange } from './layer-form.js';

/**
 * `pid`: a process that has unshared its user namespace. Root writes the maps itself; a single id of one's own needs nobody; for more
 * there are the set-uid helpers. Errors: `host` where a helper is missing or /etc/subuid does not allow it.
 */
export async function writeMaps(pid: number, { uids, gids }: IdMaps): Promise<void> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot || (isOwn(uids, process.geteuid?.()) && isOwn(gids, process.getegid?.()))) {
    if (!isRoot) write(pid, 'setgroups', 'deny');
    write(pid, 'uid_map', textOf(uids));
    write(pid, 'gid_map', textOf(gids));
    return;
  }
  await mustRun('newuidmap', [String(pid), ...wordsOf(uids)]);
  await mustRun('newgidmap', [String(pid), ...wordsOf(gids)]);
}

const isOwn = (ranges: readonly IdRange[], id: number | undefined) =>
  ranges.length === 1 && ranges[0]?.size === 1 && ranges[0].outside === id;

const wordsOf = (ranges: readonly IdRange[]) =>
  ranges.flatMap(({ inside, outside, size }) => [inside, outside, size].map(String));

const textOf = (ranges: readonly IdRange[]) =>
  ranges.map(({ inside, outside, size }) => `${inside} ${outside} ${size}\n`).join('');

function write(pid: number, name: string, text: string): void {
  try {
    writeFileSync(`/proc/${pid}/${name}`, text);
  } catch (cause) {
    throw new VlabError('host', `the kernel refuses ${name} of a user namespace: ${messageOf(cause)}`, {
      cause,
      hint: 'ranges of ids must not overlap, and must be ids that one has',
    });
  }
}
