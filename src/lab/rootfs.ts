/**
 * The root file system that all arms start from, and what identifies it: two runs with the same digests started the same
 * bytes.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { VlabError } from '../base/errors.js';
import type { PayloadFiles } from './scenario.js';

/** Root file systems that vlab brings along. */
export const BUILT_IN_ROOTFS = ['probe'] as const;

export interface Rootfs {
  dir: string;
  /** Of an image: its name with the digest of its manifest. */
  image?: string;
  /** `sha256:…` */
  digest: string;
}

/**
 * What a scenario names becomes a directory. Relative paths start at `baseDir`. Errors (`input`): it is no directory; there is no
 * such image.
 */
export async function openRootfs(files: PayloadFiles, baseDir: string): Promise<Rootfs> {
  if ('image' in files) {
    const { imageTree } = await import('./image-tree.js');
    return await imageTree(files.image);
  }
  const { rootfs: name } = files;
  if (name === 'probe') {
    const { probeRootfs } = await import('../drivers/probe-rootfs.js');
    return await probeRootfs();
  }
  const dir = resolve(baseDir, name);
  const found = await stat(dir).catch(() => undefined);
  if (!found?.isDirectory()) throw new VlabError('input', `the root file system ${dir} is no directory`);
  return { dir, digest: await digestTree(dir) };
}

/**
 * `sha256:…` over a directory: for each entry in the order of its path the type, permission bits, path, and contents or
 * link target. Owners and times are left out: they differ between two unpackings of the same image.
 */
export async function digestTree(dir: string): Promise<string> {
  const hash = createHash('sha256');
  const visit = async (path: string, relative: string): Promise<void> => {
    const names = (await readdir(path)).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    for (const name of names) {
      const child = join(path, name);
      const entry = await lstat(child);
      const type = entry.isDirectory() ? 'd' : entry.isFile() ? 'f' : entry.isSymbolicLink() ? 'l' : 's';
      const contents = type === 'f' ? await sha256OfFile(child) : type === 'l' ? await readlink(child) : '';
      hash.update(JSON.stringify([type, entry.mode & 0o7777, `${relative}/${name}`, contents]));
      if (type === 'd') await visit(child, `${relative}/${name}`);
    }
  };
  await visit(dir, '');
  return `sha256:${hash.digest('hex')}`;
}

/** The file that `path` means to a process whose root is `dir`: links are followed inside it. Undefined when none is there. */
export async function resolveInside(dir: string, path: string): Promise<string | undefined> {
  let parts = path.split('/').filter((part) => part !== '');
  let inside: string[] = [];
  for (let links = 0; parts.length > 0; ) {
    const [part, ...rest] = parts as [string, ...string[]];
    parts = rest;
    if (part === '.') continue;
    if (part === '..') {
      inside = inside.slice(0, -1);
      continue;
    }
    const here = join(dir, ...inside, part);
    const entry = await lstat(here).catch(() => undefined);
    if (!entry) return undefined;
    if (!entry.isSymbolicLink()) {
      inside = [...inside, part];
      continue;
    }
    // path_resolution(7): the kernel gives up after 40 links.
    if (++links > 40) return undefined;
    const target = await readlink(here);
    if (target.startsWith('/')) inside = [];
    parts = [...target.split('/').filter((step) => step !== ''), ...parts];
  }
  return join(dir, ...inside);
}

/** sha256 of the program that argv[0] names. Throws an `input` error when it is not there, or cannot be executed. */
export async function programSha256(dir: string, program: string): Promise<string> {
  const path = await resolveInside(dir, program);
  const entry = path === undefined ? undefined : await stat(path);
  if (path === undefined || !entry?.isFile()) {
    throw new VlabError('input', `there is no program ${program} in the root file system ${dir}`);
  }
  if ((entry.mode & 0o111) === 0) {
    throw new VlabError('input', `${program} in the root file system ${dir} is not executable`, {
      hint: `chmod +x ${path}`,
    });
  }
  return await sha256OfFile(path);
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
