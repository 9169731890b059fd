/** Who is writing what at the moment: files that name digests and the process that holds them. Only for who has the store's lock. */
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../base/errors.js';
import { writeWhole } from '../../base/partial.js';
import { namesEnded, ownName } from '../../sys/own-name.js';
import type { Digest } from '../descriptor.js';

interface HoldFile {
  /** Processes of another one cannot be asked for. */
  pidNamespace: string;
  bootId: string;
  digests: Digest[];
}

const PREFIX = 'hold.';
/** For holders who cannot be asked whether they live. */
const STALE_MS = 24 * 3600 * 1000;

/** Its path, which others are told nothing of. */
export function newHoldPath(root: string): string {
  const folder = join(root, 'holds');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return join(folder, ownName(PREFIX));
}

export async function writeHold(path: string, digests: readonly Digest[]): Promise<void> {
  const hold: HoldFile = { pidNamespace: pidNamespace(), bootId: bootId(), digests: [...digests] };
  await writeWhole(path, JSON.stringify(hold));
}

/** What the living hold. Files of the dead are removed. */
export function heldDigests(root: string): Set<Digest> {
  const held = new Set<Digest>();
  for (const path of holdFiles(join(root, 'holds'))) {
    const hold = readHold(path);
    if (hold && isHeld(hold, path)) for (const digest of hold.digests) held.add(digest);
    else rmSync(path, { force: true });
  }
  return held;
}

function holdFiles(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Undefined: it is no hold, but what is left of one that was being written when its writer was killed. */
function readHold(path: string): HoldFile | undefined {
  if (path.endsWith('.partial')) return undefined;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as HoldFile;
  } catch {
    return undefined;
  }
}

function isHeld(hold: HoldFile, path: string): boolean {
  if (hold.bootId !== bootId()) return false;
  if (hold.pidNamespace === pidNamespace()) return namesEnded(path.slice(path.lastIndexOf('/') + 1), PREFIX) === false;
  const writtenMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return Date.now() - writtenMs < STALE_MS;
}

function pidNamespace(): string {
  return readlinkSync('/proc/self/ns/pid');
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
