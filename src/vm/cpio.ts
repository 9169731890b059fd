/**
 * The "newc" archive that the kernel unpacks into its first root file system (Documentation/driver-api/early-userspace/
 * buffer-format.rst; cpio(5)). Pure: entries in, bytes out. Two archives one after the other are an archive too.
 */

/** A file to be archived. Names are bytes: a file name need not be UTF-8. */
export interface CpioEntry {
  /** Relative, without a leading slash. */
  name: Buffer;
  /** File type and permission bits, as st_mode (inode(7)). */
  mode: number;
  uid: number;
  gid: number;
  /** Content of a regular file, target of a symbolic link; otherwise 0. */
  bytes: number;
  /** Hard links share `inode`, and only the last of them has content. */
  inode: number;
  links: number;
  /** Character and block devices. */
  device?: { major: number; minor: number };
}

/** One time for all: the same files give the same archive. */
const MTIME = 0;
/** Sizes and numbers are eight hexadecimal digits. */
export const MAX_BYTES = 0xffff_ffff;
const ALIGN = 4;
const TRAILER = Buffer.from('TRAILER!!!');
/** GNU cpio fills its last block; nothing needs it, but the archives then compare equal. */
export const BLOCK_BYTES = 512;

/** The header with the name, padded: what comes before the content. Throws RangeError for what the format cannot hold. */
export function cpioHeader(entry: CpioEntry): Buffer {
  if (entry.name.includes(0)) throw new RangeError('a name in a cpio archive holds a NUL byte');
  if (entry.bytes > MAX_BYTES)
    throw new RangeError(`a file of ${entry.bytes} bytes does not fit a cpio archive (4 GiB)`);
  const fields = [
    entry.inode,
    entry.mode,
    entry.uid,
    entry.gid,
    entry.links,
    MTIME,
    entry.bytes,
    0, // device of the archived file: major, minor
    0,
    entry.device?.major ?? 0,
    entry.device?.minor ?? 0,
    entry.name.length + 1,
    0, // no checksum
  ];
  const digits = fields.map((field) => (field >>> 0).toString(16).toUpperCase().padStart(8, '0')).join('');
  const head = Buffer.concat([Buffer.from(`070701${digits}`, 'latin1'), entry.name, Buffer.alloc(1)]);
  return Buffer.concat([head, cpioPadding(head.length)]);
}

/** The zeros after `bytes` bytes of name or content. */
export function cpioPadding(bytes: number): Buffer {
  return Buffer.alloc((ALIGN - (bytes % ALIGN)) % ALIGN);
}

/** The entry that ends an archive of `before` bytes, filled up to a whole block. */
export function cpioEnd(before: number): Buffer {
  const trailer = cpioHeader({ name: TRAILER, mode: 0, uid: 0, gid: 0, bytes: 0, inode: 0, links: 1 });
  const over = (before + trailer.length) % BLOCK_BYTES;
  return Buffer.concat([trailer, Buffer.alloc((BLOCK_BYTES - over) % BLOCK_BYTES)]);
}

/** A whole archive of entries whose contents are at hand. */
export function cpioArchive(files: readonly { entry: CpioEntry; content: Uint8Array }[]): Buffer {
  const pieces: Uint8Array[] = [];
  for (const { entry, content } of files) {
    if (content.length !== entry.bytes)
      throw new RangeError(`${entry.name}: ${content.length} bytes, not ${entry.bytes}`);
    pieces.push(cpioHeader(entry), content, cpioPadding(content.length));
  }
  const body = Buffer.concat(pieces);
  return Buffer.concat([body, cpioEnd(body.length)]);
}
