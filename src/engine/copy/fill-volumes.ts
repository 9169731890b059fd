/** A volume that is empty gets what the image has at its place, when a container is made that has it (docker's copy-up). */
import { readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { errnoOf } from '../../base/errors.js';
import { mustRun } from '../../base/exec.js';
import { makeWhole } from '../../base/partial.js';
import { HeldRoot } from '../../container/hold-root.js';
import type { RootMount } from '../../storage/root-mount.js';
import { getVolume } from '../../storage/volumes.js';
import type { DefinedMount } from '../define/definition-parts.js';
import { containersUsing } from '../record/volume-users.js';
import { lasting } from './container-root.js';

/** `id`, `root`: of the container, which does not run yet. Errors: those of getVolume; `operation` when the files cannot be copied. */
export async function fillVolumes(mounts: readonly DefinedMount[], root: RootMount, id?: string): Promise<void> {
  const asked = mounts.flatMap((mount) =>
    mount.kind === 'volume' && mount.copyUp && mount.subpath === undefined ? [mount] : [],
  );
  const empty: { name: string; destination: string; mountpoint: string }[] = [];
  for (const { name, destination } of asked) {
    const { mountpoint } = await getVolume(name);
    if (isEmpty(mountpoint)) empty.push({ name, destination, mountpoint });
  }
  if (empty.length === 0) return;
  await using held = await HeldRoot.open({ kind: 'layers', root: lasting(root) });
  for (const { name, destination, mountpoint } of empty) {
    const found = await held.find(destination, true);
    if (found?.stat.isDirectory()) await fill(name, `${found.path}/.`, mountpoint, id);
  }
}

async function fill(name: string, from: string, mountpoint: string, id: string | undefined): Promise<void> {
  const copy = (to: string) => mustRun('cp', ['-a', '--reflink=auto', '--', from, to]);
  // Who has it mounted would keep the directory that is replaced.
  if ((await containersUsing(name)).some((other) => other !== id)) {
    await copy(mountpoint);
    return;
  }
  try {
    await makeWhole(mountpoint, async (partial) => {
      await mkdir(partial);
      await copy(partial);
    });
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) throw error; // another container was first
  }
}

function isEmpty(directory: string): boolean {
  try {
    return readdirSync(directory).length === 0;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false; // a directory of the host that is not there: the start will tell
    throw error;
  }
}
