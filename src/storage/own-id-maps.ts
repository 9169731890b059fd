import type { IdMaps } from '../image/layer/layer-form.js';

/** How owners in layers are those of files here. Without privileges all files are the user's own; with them (undefined) they are the same. */
export function ownIdMaps(): IdMaps | undefined {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  if (uid === 0) return undefined;
  const one = (outside: number) => [{ inside: 0, outside, size: 1 }];
  return { uids: one(uid), gids: one(gid), squash: true };
}
