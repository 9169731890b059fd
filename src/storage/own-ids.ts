import type { IdMaps } from '../image/layer/layer-form.js';

/** How owners stand on disk. Undefined: as they are. Without privileges all files are the user's own. */
export function ownIdMaps(): IdMaps | undefined {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  if (uid === 0) return undefined;
  const one = (outside: number) => [{ inside: 0, outside, size: 1 }];
  return { uids: one(uid), gids: one(gid), squash: true };
}
