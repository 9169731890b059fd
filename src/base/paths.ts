import { lstatSync, mkdirSync, statSync } from 'node:fs';
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
  return join(process.env.XDG_CACHE_HOME ?? join(home(), '.cache'), 'vlab');
}

/** Root's, where nothing else is asked for. */
export const SYSTEM_DATA_DIR = '/var/lib/vlab';

/** What people made and want to keep: images, volumes, networks. Environment: VLAB_DATA_DIR overrides it. */
export function dataDir(): string {
  const chosen = process.env.VLAB_DATA_DIR;
  if (chosen) return chosen;
  if (process.getuid?.() === 0) return SYSTEM_DATA_DIR;
  return join(process.env.XDG_DATA_HOME ?? join(home(), '.local', 'share'), 'vlab');
}

/** Error (`host`): a user without HOME whom /etc/passwd does not know. */
function home(): string {
  try {
    return homedir();
  } catch (cause) {
    throw new VlabError('host', 'this user has no home directory, where what is made once could be kept', {
      cause,
      hint: 'set HOME, or VLAB_CACHE_DIR to a directory that nobody else can write',
    });
  }
}

/** A socket has at most 107 bytes of path (unix(7)), and what comes behind them would be left out without a word. */
const MOST_RUN_DIR_BYTES = 64;

/** Error (`input`): the environment asks for one whose sockets would have too long paths. */
export function runDir(): string {
  const path = placeOfRunDir();
  if (Buffer.byteLength(path) <= MOST_RUN_DIR_BYTES) return path;
  throw new VlabError('input', `the path of the run directory has more than ${MOST_RUN_DIR_BYTES} bytes: ${path}`, {
    hint: 'the sockets in it need room for their names: set VLAB_RUN_DIR to a shorter path',
  });
}

function placeOfRunDir(): string {
  const chosen = process.env.VLAB_RUN_DIR;
  if (chosen) return chosen;
  const uid = process.getuid?.() ?? 0;
  if (uid === 0) return '/run/vlab';
  const xdg = process.env.XDG_RUNTIME_DIR;
  return xdg ? join(xdg, 'vlab') : join(tmpdir(), `vlab-${uid}`);
}

/**
 * Creates `path` with mode 0700 and refuses one that belongs to somebody else or that others can enter: sockets, owner records
 * and states in it are trusted. A link counts as what it leads to, unless it is another user's, who can let it lead elsewhere.
 */
export function privateDir(path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  mustBePrivate(path);
  return path;
}

/** Error (`host`): it is not. That of statSync, when it is not there. */
export function mustBePrivate(path: string): void {
  const stat = statSync(path);
  const own = process.geteuid?.();
  const isOwn = stat.uid === own && [own, 0].includes(lstatSync(path).uid);
  if (!isOwn || !stat.isDirectory() || (stat.mode & 0o077) !== 0) {
    throw new VlabError('host', `${path} is not private: owner ${stat.uid}, mode ${(stat.mode & 0o777).toString(8)}`, {
      hint: `remove ${path}, or let XDG_RUNTIME_DIR or VLAB_RUN_DIR be a directory of your own with mode 0700`,
    });
  }
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
