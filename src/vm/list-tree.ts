/** A directory on the host → the entries of an archive, in byte order of their names. Reads the disk, writes nothing. */
import { lstat, readdir, readlink } from 'node:fs/promises';
import { errnoOf, VlabError } from '../base/errors.js';
import { type CpioEntry, MAX_BYTES } from './cpio.js';

export interface TreeFile {
  entry: CpioEntry;
  /** What follows the header: nothing, a link's target, or the content of the file at `path`. */
  content: Buffer | { path: Buffer };
  /** Change time, ns: with size and inode it tells whether the file is still the one that was archived. */
  changedNs: bigint;
}

const S_IFMT = 0o170000;
const S_IFSOCK = 0o140000;
const S_IFLNK = 0o120000;
const S_IFREG = 0o100000;
const S_IFBLK = 0o060000;
const S_IFDIR = 0o040000;
const S_IFCHR = 0o020000;
const SLASH = Buffer.from('/');
const NOTHING = Buffer.alloc(0);

/**
 * Everything below `root`, the root itself left out, with `prefix` before each name (`rootfs/`). Inodes are renumbered, so
 * that copies of a tree give equal archives. Does not follow links. Errors (`input`): it is no directory, a file cannot
 * be read or is too large, a directory changes while it is read.
 */
export async function listTree(root: string, prefix = ''): Promise<TreeFile[]> {
  const found: { name: Buffer; path: Buffer; stat: Awaited<ReturnType<typeof statOf>> }[] = [];
  const visit = async (folder: Buffer, name: Buffer): Promise<void> => {
    for (const child of (await namesIn(folder)).sort(Buffer.compare)) {
      const path = Buffer.concat([folder, SLASH, child]);
      const childName = name.length === 0 ? child : Buffer.concat([name, SLASH, child]);
      const stat = await statOf(path);
      found.push({ name: childName, path, stat });
      if ((Number(stat.mode) & S_IFMT) === S_IFDIR) await visit(path, childName);
    }
  };
  await visit(Buffer.from(root), NOTHING);

  const lastName = new Map<string, Buffer>();
  const linksHere = new Map<string, number>();
  const keyOf = (stat: { dev: bigint; ino: bigint }) => `${stat.dev}:${stat.ino}`;
  for (const { name, stat } of found) {
    lastName.set(keyOf(stat), name);
    linksHere.set(keyOf(stat), (linksHere.get(keyOf(stat)) ?? 0) + 1);
  }
  const inodes = new Map<string, number>();
  const files: TreeFile[] = [];
  for (const { name, path, stat } of found) {
    const key = keyOf(stat);
    if (!inodes.has(key)) inodes.set(key, inodes.size + 1);
    const mode = Number(stat.mode);
    const type = mode & S_IFMT;
    const hasContent = type === S_IFREG && lastName.get(key) === name;
    if (hasContent && stat.size > MAX_BYTES) {
      throw new VlabError('input', `${path} has ${stat.size} bytes: an initramfs holds files up to 4 GiB`);
    }
    const target = type === S_IFLNK ? await readlink(path, { encoding: 'buffer' }) : undefined;
    files.push({
      entry: {
        name: Buffer.concat([Buffer.from(prefix), name]),
        mode,
        uid: Number(stat.uid),
        gid: Number(stat.gid),
        bytes: target ? target.length : hasContent ? Number(stat.size) : 0,
        inode: inodes.get(key) ?? 0,
        links: type === S_IFDIR ? 2 : (linksHere.get(key) ?? 1),
        ...(type === S_IFCHR || type === S_IFBLK ? { device: splitDevice(stat.rdev) } : {}),
      },
      content: target ?? (hasContent && stat.size > 0n ? { path } : NOTHING),
      changedNs: stat.ctimeNs,
    });
    if (type === S_IFSOCK) files.pop(); // a socket is of use only to the process that bound it
  }
  return files;
}

async function namesIn(folder: Buffer): Promise<Buffer[]> {
  try {
    return await readdir(folder, { encoding: 'buffer' });
  } catch (error) {
    const why = errnoOf(error) === 'ENOTDIR' ? 'it is not a directory' : (errnoOf(error) ?? String(error));
    throw new VlabError('input', `cannot read ${folder}: ${why}`, {
      cause: error,
      hint: 'name a directory that holds a root file system and that you may read',
    });
  }
}

async function statOf(path: Buffer) {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    throw new VlabError('input', `cannot read ${path}: ${errnoOf(error)}`, {
      cause: error,
      hint: 'it vanished while the directory was read: leave the root file system alone until the start',
    });
  }
}

/** Linux's dev_t as user space sees it (makedev(3)). */
function splitDevice(device: bigint): { major: number; minor: number } {
  return {
    major: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn)),
    minor: Number((device & 0xffn) | ((device >> 12n) & ~0xffn & 0xffffffffn)),
  };
}
