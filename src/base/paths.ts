import { mkdirSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VlabError } from './errors.js';

/**
 * Where vlab keeps things.
 * - cache: can be deleted at any time (kernels, compiled helpers, root file systems); shared by all runs.
 * - run: what lives only while this boot lives (sockets, owner records, trial output); always on a tmpfs where there is one.
 * Environment: VLAB_CACHE_DIR and VLAB_RUN_DIR override them (tests use both).
 */
export function cacheDir(): string {
  const chosen = process.env.VLAB_CACHE_DIR;
  if (chosen) return chosen;
  if (process.getuid?.() === 0) return '/var/cache/vlab';
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'vlab');
}

export function runDir(): string {
  const chosen = process.env.VLAB_RUN_DIR;
  if (chosen) return chosen;
  const uid = process.getuid?.() ?? 0;
  if (uid === 0) return '/run/vlab';
  const xdg = process.env.XDG_RUNTIME_DIR;
  return xdg ? join(xdg, 'vlab') : join(tmpdir(), `vlab-${uid}`);
}

/**
 * Creates `path` with mode 0700 and refuses one that belongs to somebody else or that others can enter: sockets and owner
 * records in it are trusted.
 */
export function privateDir(path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const stat = statSync(path);
  if (stat.uid !== process.geteuid?.() || (stat.mode & 0o077) !== 0) {
    throw new VlabError('host', `${path} is not private: owner ${stat.uid}, mode ${(stat.mode & 0o777).toString(8)}`, {
      hint: `remove ${path}, or point VLAB_RUN_DIR at a directory of your own with mode 0700`,
    });
  }
  return path;
}

/** The package's own root: the folder with package.json, from src/ in the checkout and from dist/ in the bundle alike. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (let up = 0; up < 5; up++) {
    if (hasFile(join(folder, 'package.json'))) return folder;
    folder = dirname(folder);
  }
  throw new Error(`no package.json above ${fileURLToPath(import.meta.url)}`);
}

function hasFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
