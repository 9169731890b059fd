import { lchownSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Under sudo, what vlab makes in a person's folders must belong to that person, or they could not even delete it.
 * sudo(8) names the caller in SUDO_UID and SUDO_GID.
 */
export function sudoCaller(env: NodeJS.ProcessEnv = process.env): { uid: number; gid: number } | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  const uid = Number(env.SUDO_UID);
  const gid = Number(env.SUDO_GID);
  return env.SUDO_UID && env.SUDO_GID && Number.isInteger(uid) && Number.isInteger(gid) ? { uid, gid } : undefined;
}

/** Gives `path` (a link itself, never what it points at) to the person who called sudo, if one did. Returns `path`. */
export function ownedBySudoCaller(path: string): string {
  const caller = sudoCaller();
  if (caller) lchownSync(path, caller.uid, caller.gid);
  return path;
}

/** Makes a folder and those above it that are missing; all that were made belong to the person who called sudo. */
export function makeOwnedDir(path: string): void {
  const first = mkdirSync(path, { recursive: true });
  if (first === undefined) return;
  for (let made = resolve(path); ; made = dirname(made)) {
    ownedBySudoCaller(made);
    if (made === resolve(first)) return;
  }
}
