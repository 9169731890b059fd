/** The calls that make one file of a layer, in the directory that was entered. */
import { ABI, hostArch, OPEN_FLAGS } from '../../sys/abi.js';
import type { Operand, Place } from '../../sys/call-batch.js';
import type { TarEntry } from './tar/entry.js';
import type { TreeWriter } from './tree-writer.js';

/** What of an entry is kept: its owner as it is to be here, and the attributes that this user can set. */
export interface Kept {
  uid: number;
  gid: number;
  /** The owner has to be set: it is not 0, or the directory may give its group on. */
  chown: boolean;
  xattrs: TarEntry['xattrs'];
  /** The file system has none of an attribute's kind. */
  leaveOut: (xattr: string) => void;
}

const PERMISSIONS = 0o777;
const SPECIAL_BITS = 0o7000;
const { AT_FDCWD, AT_SYMLINK_NOFOLLOW, AT_REMOVEDIR } = ABI;
const CREATE = ABI.O_WRONLY | ABI.O_CREAT | ABI.O_EXCL | ABI.O_CLOEXEC | OPEN_FLAGS[hostArch()].O_NOFOLLOW;

/** Leaves the new file open, in the word that is returned. */
export function createFile({ batch }: TreeWriter, name: string, mode: number): Place {
  const opened = batch.word(1);
  batch.call('openat', [AT_FDCWD, batch.name(name), CREATE, mode & PERMISSIONS], { result: opened });
  return opened;
}

/** Owner before mode and attributes: chown(2) clears set-user-ID bits and capabilities, and so does write(2). */
export function finishFile(writer: TreeWriter, file: Operand, entry: TarEntry, kept: Kept): void {
  const { batch } = writer;
  if (kept.chown) batch.call('fchown', [file, kept.uid, kept.gid]);
  if (entry.mode & SPECIAL_BITS) batch.call('fchmod', [file, entry.mode]);
  for (const [xattr, value] of kept.xattrs) {
    const operands = [file, batch.name(xattr), batch.bytes(value), value.length, 0];
    batch.call('fsetxattr', operands, tolerant(writer, xattr, kept));
  }
  batch.call('utimensat', [file, 0, timesOf(writer, entry), 0]);
  batch.call('close', [file]);
}

export function makeDirectory({ batch }: TreeWriter, name: string, mode: number): void {
  batch.call('mkdirat', [AT_FDCWD, batch.name(name), mode & PERMISSIONS]);
}

/** What is no regular file and no directory. */
export function makeSpecial(writer: TreeWriter, name: string, entry: TarEntry, kept: Kept): void {
  const { batch } = writer;
  const at = batch.name(name);
  if (entry.type === 'symlink') batch.call('symlinkat', [batch.name(entry.linkPath), AT_FDCWD, at]);
  else batch.call('mknodat', [AT_FDCWD, at, typeBits(entry) | (entry.mode & PERMISSIONS), deviceOf(entry)]);
  setOwnerAndXattrs(writer, at, kept);
  if (entry.mode & SPECIAL_BITS && entry.type !== 'symlink') batch.call('fchmodat', [AT_FDCWD, at, entry.mode]);
  batch.call('utimensat', [AT_FDCWD, at, timesOf(writer, entry), AT_SYMLINK_NOFOLLOW]);
}

/** Of what has no descriptor. */
export function setOwnerAndXattrs(writer: TreeWriter, name: Place, kept: Kept): void {
  const { batch } = writer;
  if (kept.chown) batch.call('fchownat', [AT_FDCWD, name, kept.uid, kept.gid, AT_SYMLINK_NOFOLLOW]);
  for (const [xattr, value] of kept.xattrs) {
    const operands = [name, batch.name(xattr), batch.bytes(value), value.length, 0];
    batch.call('lsetxattr', operands, tolerant(writer, xattr, kept));
  }
}

/** Of the directory that was entered, when nothing more is made in it. */
export function finishDirectory(writer: TreeWriter, entry: TarEntry): void {
  const { batch } = writer;
  const here = batch.name('.');
  batch.call('fchmodat', [AT_FDCWD, here, entry.mode]);
  batch.call('utimensat', [AT_FDCWD, here, timesOf(writer, entry), 0]);
}

export function remove({ batch }: TreeWriter, name: string, isDirectory: boolean): void {
  batch.call('unlinkat', [AT_FDCWD, batch.name(name), isDirectory ? AT_REMOVEDIR : 0]);
}

/** overlayfs's own mark: a character device 0:0, which mknod(2) allows in a user namespace too. */
export function makeWhiteout({ batch }: TreeWriter, name: string): void {
  batch.call('mknodat', [AT_FDCWD, batch.name(name), ABI.S_IFCHR, 0]);
}

/** On the directory that was entered. */
export function makeOpaque({ batch, session }: TreeWriter): void {
  const xattr = session.idMaps ? 'user.overlay.opaque' : 'trusted.overlay.opaque';
  batch.call('lsetxattr', [batch.name('.'), batch.name(xattr), batch.name('y'), 1, 0]);
}

function tolerant(
  writer: TreeWriter,
  xattr: string,
  kept: Kept,
): { result?: Place; tolerate: readonly ['EOPNOTSUPP'] } {
  const result = writer.result((value) => {
    if (value < 0) kept.leaveOut(xattr);
  });
  return { ...(result ? { result } : {}), tolerate: ['EOPNOTSUPP'] };
}

/** Two struct timespec: last access, as last change. */
function timesOf({ batch }: TreeWriter, { mtime: { seconds, nanoseconds } }: TarEntry): Place {
  return batch.words(seconds, nanoseconds, seconds, nanoseconds);
}

const TYPE_BITS = { character: ABI.S_IFCHR, block: ABI.S_IFBLK, fifo: ABI.S_IFIFO } as const;

function typeBits({ type }: TarEntry): number {
  return TYPE_BITS[type as keyof typeof TYPE_BITS];
}

/** As mknod(2) takes it: new_encode_dev of the kernel. */
function deviceOf({ type, major, minor }: TarEntry): number {
  if (type === 'fifo') return 0;
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0;
}
