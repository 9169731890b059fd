// Whether dist/ was made from the sources as they are now: a digest over everything that goes into the bundle.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** @param {string} root the checkout @returns {string} */
export function sourceDigest(root) {
  const hash = createHash('sha256');
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(ts|c|h)$/.test(path))
    .map((path) => join('src', path));
  for (const path of [...sources.sort(), 'scripts/build.mjs', 'package.json', 'package-lock.json']) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0');
  }
  return hash.digest('hex');
}

/** @param {string} root */
export function isBuilt(root) {
  const stamp = join(root, 'dist/sources.sha256');
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === sourceDigest(root);
}

/** @param {string} root @param {string} digest of the sources before the build began */
export function markBuilt(root, digest) {
  writeFileSync(join(root, 'dist/sources.sha256'), digest);
}
