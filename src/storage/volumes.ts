/** Volumes of this machine, in dataDir()/volumes/<name>. */
import { VlabError } from '../base/errors.js';
import type { NewVolume, Volume } from './volume.js';

const notYet = (what: string) => new VlabError('operation', `${what}: not yet`);

/** Makes it, or gives the one of that name. Errors (`input`): no name of a volume, or the one that is there has other options. */
export async function createVolume(asked: NewVolume): Promise<Volume> {
  throw notYet(asked.name);
}

/** By name. */
export async function listVolumes(): Promise<Volume[]> {
  throw notYet('volumes');
}

export async function findVolume(name: string): Promise<Volume | undefined> {
  throw notYet(name);
}

/** Error (`input`): `isUsed` gives the ids of containers that use it, or there is none of that name. */
export async function removeVolume(name: string, isUsed: (name: string) => Promise<string[]>): Promise<void> {
  throw notYet(`${name} ${isUsed}`);
}

export interface VolumeSource {
  name: string;
  /** A path inside of the volume. */
  subpath?: string | undefined;
}

/** The directory of a volume to bind, with a subpath resolved inside of it. Errors (`input`): there is none, or a link leads out of it. */
export async function sourceOf(volume: VolumeSource): Promise<string> {
  throw notYet(volume.name);
}
