/**
 * Volumes of this machine: dataDir()/volumes/<name>, with `volume.json` and the files in `_data`. A volume is made under another name
 * and renamed; it is renamed before it is removed, too.
 */

import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, VlabError } from '../base/errors.js';
import { dataDir } from '../base/paths.js';
import { volumesPlace } from './places.js';
import { removeWhole, sweepGoing } from './remove-tree.js';
import { checkVolumeName, type NewVolume, placeOf, type Volume } from './volume.js';

type Kept = Omit<Volume, 'mountpoint' | 'driver'>;

const FILES = '_data';
const PARTIAL = '.new-';
/** A maker needs a moment; what is older was left by one that was killed. */
const STALE_MS = 60_000;

/**
 * Makes it, or gives the one of that name. Errors: (`input`) no name of a volume, or the one that is there has other options; those of
 * placeOf.
 */
export async function createVolume(asked: NewVolume): Promise<Volume> {
  const { name, labels = {}, options = {}, anonymous = false } = asked;
  checkVolumeName(name);
  placeOf(options);
  const known = await findVolume(name);
  if (known) return mustBeLike(known, options);
  const place = volumesPlace();
  await sweep(place);
  const partial = join(place, `${PARTIAL}${randomUUID()}`);
  try {
    mkdirSync(join(partial, FILES), { recursive: true, mode: 0o755 });
    const kept: Kept = { name, createdAt: new Date().toISOString(), labels, options, anonymous };
    writeFileSync(join(partial, 'volume.json'), JSON.stringify(kept));
    renameSync(partial, join(place, name));
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (!['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) throw error; // another command was faster
  }
  const made = await findVolume(name);
  if (made) return mustBeLike(made, options);
  throw new VlabError('operation', `the volume ${name} was removed while it was made`);
}

function mustBeLike(volume: Volume, options: Readonly<Record<string, string>>): Volume {
  const same = (one: object) => JSON.stringify(Object.entries(one).sort());
  if (Object.keys(options).length === 0 || same(volume.options) === same(options)) return volume;
  throw new VlabError('input', `a volume named ${volume.name} already exists with different options`, {
    hint: `choose another name, or remove it: vlab volume rm ${volume.name}`,
  });
}

/** By name. */
export async function listVolumes(): Promise<Volume[]> {
  return readdirSync(volumesPlace())
    .sort()
    .flatMap((name) => readVolume(name) ?? []);
}

export async function findVolume(name: string): Promise<Volume | undefined> {
  return readVolume(name);
}

/** Error (`input`): there is none of that name. */
export async function getVolume(name: string): Promise<Volume> {
  const volume = await findVolume(name);
  if (volume) return volume;
  throw new VlabError('input', `no such volume: ${name}`, { hint: '`vlab volume ls` shows all', exitCode: 1 });
}

function readVolume(name: string): Volume | undefined {
  // `.` and names of partial ones are none; nor is a path.
  if (!/^[a-zA-Z0-9][\w.-]*$/.test(name)) return undefined;
  const folder = join(dataDir(), 'volumes', name);
  try {
    const kept = JSON.parse(readFileSync(join(folder, 'volume.json'), 'utf8')) as Kept;
    if (kept.name !== name) return undefined; // it is being removed
    const place = placeOf(kept.options);
    return { ...kept, driver: 'local', mountpoint: place.kind === 'host' ? place.path : join(folder, FILES) };
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** Error (`input`): `usersOf` gives the ids of containers that use it, or there is none of that name. */
export async function removeVolume(name: string, usersOf: (name: string) => Promise<string[]>): Promise<void> {
  await getVolume(name);
  const users = await usersOf(name);
  if (users.length > 0) {
    throw new VlabError('input', `remove ${name}: volume is in use - [${users.join(', ')}]`, {
      hint: 'remove the containers first',
      exitCode: 1,
    });
  }
  const place = volumesPlace();
  await removeWhole(join(place, name));
  await sweep(place);
}

async function sweep(place: string): Promise<void> {
  await sweepGoing(place);
  for (const name of readdirSync(place)) {
    if (!name.startsWith(PARTIAL)) continue;
    const made = statSync(join(place, name), { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - made > STALE_MS) rmSync(join(place, name), { recursive: true, force: true });
  }
}

export interface VolumeSource {
  name: string;
  /** A path inside of the volume. */
  subpath?: string | undefined;
}

/**
 * The directory of a volume to bind, with a subpath resolved inside of it. Errors (`input`): there is none, or a link leads out of it.
 * Nothing is held: a container that has the whole volume could exchange the path for a link later.
 */
export async function sourceOf({ name, subpath }: VolumeSource): Promise<string> {
  const { mountpoint } = await getVolume(name);
  if (!statSync(mountpoint, { throwIfNoEntry: false })) {
    throw new VlabError('input', `the files of the volume ${name} should be at ${mountpoint}, and nothing is there`);
  }
  if (subpath === undefined || subpath === '') return mountpoint;
  try {
    const [top, found] = await Promise.all([realpath(mountpoint), realpath(join(mountpoint, subpath))]);
    if (found === top || found.startsWith(`${top}/`)) return found;
  } catch (cause) {
    if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(cause) ?? '')) throw cause;
    throw new VlabError('input', `cannot access path ${subpath} of the volume ${name}`, { cause });
  }
  throw new VlabError('input', `the path ${subpath} leads out of the volume ${name}`);
}
