/** What a tar archive says of one file. Strings hold bytes (latin1): names in an archive have no encoding that one could trust. */

export type EntryType = 'file' | 'hard-link' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo';

/** A piece of a sparse file that is not a hole. */
export interface Segment {
  offset: number;
  bytes: number;
}

export interface TarEntry {
  type: EntryType;
  path: string;
  /** Of hard links and symbolic links. */
  linkPath: string;
  /** The lower twelve bits. */
  mode: number;
  uid: number;
  gid: number;
  /** Of the file, with its holes. */
  sizeBytes: number;
  mtime: TarTime;
  /** Of devices. */
  major: number;
  minor: number;
  /** Extended attributes. */
  xattrs: readonly (readonly [name: string, value: Uint8Array])[];
}

/** `seconds` is a whole number and may be negative; `nanoseconds` is 0 … 999999999 and always added. */
export interface TarTime {
  seconds: number;
  nanoseconds: number;
}

export const BLOCK_BYTES = 512;

/** Bytes that fill a block up behind `size` bytes. */
export function paddingOf(size: number): number {
  return (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
}
