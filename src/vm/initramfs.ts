/**
 * The first root file system of a guest: vlab-init, its plan and the kernel modules it loads, followed by the person's
 * root file system under /rootfs. The second part is large and seldom changes, so it is kept in the cache.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { errnoOf, messageOf, VlabError } from '../base/errors.js';
import { makeWhole } from '../base/partial.js';
import { cacheDir } from '../base/paths.js';
import { type CpioEntry, cpioArchive, cpioEnd, cpioHeader, cpioPadding } from './cpio.js';
import { listTree, type TreeFile } from './list-tree.js';

/** Where the person's root file system is until vlab-init makes it the root. */
export const ROOTFS = 'rootfs';
/** Directories that vlab-init mounts on, or that programs expect: made when the root file system lacks them. */
const EXPECTED_DIRECTORIES: readonly (readonly [name: string, mode: number])[] = [
  ['dev', 0o755],
  ['proc', 0o555],
  ['sys', 0o555],
  ['tmp', 0o1777],
];
const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;
const S_IFCHR = 0o020000;
const S_IFMT = 0o170000;
const KEPT_ARCHIVES = 8;

export interface BootFiles {
  /** The static vlab-init of the guest's architecture. */
  init: Uint8Array;
  /** The encoded plan. */
  plan: Uint8Array;
  /** Kernel modules in the order in which the plan loads them. */
  modules: readonly { name: string; content: Uint8Array }[];
}

/** Path of a module in the guest before the root is switched. */
export function modulePath(name: string): string {
  return `/modules/${name}.ko`;
}

/** The small archive: what vlab-init needs. Pure. */
export function bootArchive(files: BootFiles): Buffer {
  const entries: { entry: CpioEntry; content: Uint8Array }[] = [];
  const add = (name: string, mode: number, content: Uint8Array, device?: CpioEntry['device']) => {
    const inode = entries.length + 1;
    const links = (mode & S_IFMT) === S_IFDIR ? 2 : 1;
    const entry = { name: Buffer.from(name), mode, uid: 0, gid: 0, bytes: content.length, inode, links };
    entries.push({ entry: { ...entry, ...(device ? { device } : {}) }, content });
  };
  const nothing = new Uint8Array();
  add('dev', S_IFDIR | 0o755, nothing);
  // The kernel opens it as the first process's standard descriptors: a failing step is told there.
  add('dev/console', S_IFCHR | 0o600, nothing, { major: 5, minor: 1 });
  add('init', S_IFREG | 0o755, files.init);
  add('modules', S_IFDIR | 0o755, nothing);
  for (const { name, content } of files.modules) add(modulePath(name).slice(1), S_IFREG | 0o644, content);
  add('plan', S_IFREG | 0o644, files.plan);
  add(ROOTFS, S_IFDIR | 0o755, nothing);
  return cpioArchive(entries);
}

/** What the archive of a tree depends on, as a digest. A change of any content changes its file's change time. */
export function treeDigest(files: readonly TreeFile[]): string {
  const hash = createHash('sha256').update('vlab rootfs 1\n');
  for (const { entry, content, changedNs } of files) {
    hash.update(cpioHeader(entry)).update(`${changedNs}\n`);
    if (Buffer.isBuffer(content)) hash.update(content);
  }
  return hash.digest('hex');
}

export interface RootfsArchive {
  path: string;
  bytes: number;
  /** Names the tree's state; equal digests mean equal archives. */
  digest: string;
}

/**
 * The archive of a root file system, from the cache when the tree has not changed. It is not compressed: QEMU copies it
 * into the guest's memory faster than any guest unpacks it (docs/vm-boot.md).
 * Errors (`input`): see listTree; a file changes while it is read.
 */
export async function rootfsArchive(root: string): Promise<RootfsArchive> {
  const files = withExpectedDirectories(root, await listTree(root, `${ROOTFS}/`));
  const digest = treeDigest(files);
  const folder = join(cacheDir(), 'initramfs');
  const path = join(folder, `${digest.slice(0, 32)}.cpio`);
  let bytes = (await stat(path).catch(() => undefined))?.size;
  if (bytes === undefined) {
    bytes = await makeWhole(path, (partial) => writeArchive(partial, files));
    await forgetOldArchives(folder);
  } else await utimes(path, new Date(), new Date());
  return { path, bytes, digest };
}

/** The whole initramfs: the small archive, then the large one. Returns its size. */
export async function writeInitramfs(target: string, files: BootFiles, rootfs?: RootfsArchive): Promise<number> {
  const boot = bootArchive(files);
  const out = createWriteStream(target, { mode: 0o600 });
  try {
    out.write(boot);
    if (rootfs)
      for await (const chunk of createReadStream(rootfs.path, { highWaterMark: 1 << 20 })) await put(out, chunk);
    out.end();
    await finished(out);
  } catch (error) {
    out.destroy();
    throw new VlabError('operation', `cannot write the initramfs ${target}: ${messageOf(error)}`, { cause: error });
  }
  return boot.length + (rootfs?.bytes ?? 0);
}

function withExpectedDirectories(root: string, files: TreeFile[]): TreeFile[] {
  const known = new Map(files.map((file) => [file.entry.name.toString('latin1'), file]));
  const missing: TreeFile[] = [];
  for (const [name, mode] of EXPECTED_DIRECTORIES) {
    const there = known.get(`${ROOTFS}/${name}`);
    if (there && (there.entry.mode & S_IFMT) !== S_IFDIR) {
      throw new VlabError('input', `${join(root, name)} is not a directory, but a guest mounts a file system there`, {
        hint: `make ${join(root, name)} a directory`,
      });
    }
    if (there) continue;
    const inode = files.length + missing.length + 1;
    const entry = {
      name: Buffer.from(`${ROOTFS}/${name}`),
      mode: S_IFDIR | mode,
      uid: 0,
      gid: 0,
      bytes: 0,
      inode,
      links: 2,
    };
    missing.push({ entry, content: Buffer.alloc(0), changedNs: 0n });
  }
  return [...missing, ...files];
}

async function writeArchive(target: string, files: readonly TreeFile[]): Promise<number> {
  const out = createWriteStream(target, { mode: 0o600 });
  let bytes = 0;
  const add = async (chunk: Uint8Array) => {
    bytes += chunk.length;
    await put(out, chunk);
  };
  for (const { entry, content } of files) {
    await add(cpioHeader(entry));
    if (Buffer.isBuffer(content)) await add(content);
    else await addFile(content.path, entry.bytes, add);
    await add(cpioPadding(entry.bytes));
  }
  await add(cpioEnd(bytes));
  out.end();
  await finished(out);
  return bytes;
}

/** The content of a file, exactly `bytes` long: the header has promised it. */
async function addFile(path: Buffer, bytes: number, add: (chunk: Uint8Array) => Promise<void>): Promise<void> {
  const changed = () => new VlabError('input', `${path} changed while it was archived`, { hint: 'try again' });
  const file = await open(path, 'r').catch((error: unknown) => {
    throw new VlabError('input', `cannot read ${path}: ${errnoOf(error)}`, {
      cause: error,
      hint: 'the root file system must be readable by the person who starts the machine',
    });
  });
  let seen = 0;
  try {
    for await (const chunk of file.createReadStream({ highWaterMark: 1 << 20, autoClose: false })) {
      seen += chunk.length;
      if (seen > bytes) throw changed();
      await add(chunk);
    }
  } finally {
    await file.close();
  }
  if (seen !== bytes) throw changed();
}

async function put(out: NodeJS.WritableStream, chunk: Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => out.write(chunk, (error) => (error ? reject(error) : resolve())));
}

/** The cache keeps the archives that were used last. */
async function forgetOldArchives(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.cpio'));
  const dated = await Promise.all(
    names.map(async (name) => ({
      name,
      usedMs: (await stat(join(folder, name)).catch(() => undefined))?.mtimeMs ?? 0,
    })),
  );
  dated.sort((a, b) => b.usedMs - a.usedMs);
  for (const { name } of dated.slice(KEPT_ARCHIVES)) await rm(join(folder, name), { force: true });
}
