/** A root file system as a list, and the tar archive of it: nothing is written to a disk, and nobody has to be root. Pure. */
import { paddingOf, type TarEntry } from '../layer/tar/entry.js';
import { END_MARK, headerOf } from '../layer/tar/writer.js';

export type PlannedFile =
  | { path: string; type: 'directory'; mode?: number }
  | { path: string; type: 'file'; mode?: number; content: Uint8Array | string }
  | { path: string; type: 'symlink' | 'hard-link'; target: string };

/** Sorted, root's, and of one moment: the same list gives the same bytes. */
export function* archiveOf(files: readonly PlannedFile[], mtimeSeconds: number): Generator<Buffer> {
  // Hard links come behind the file that they are names of.
  const rank = ({ type }: PlannedFile) => (type === 'hard-link' ? 1 : 0);
  const sorted = [...files].sort((a, b) => rank(a) - rank(b) || (a.path < b.path ? -1 : 1));
  for (const file of sorted) {
    const content = file.type === 'file' ? Buffer.from(file.content as string) : Buffer.alloc(0);
    yield headerOf(entryOf(file, content.length, mtimeSeconds)).bytes;
    yield content;
    yield Buffer.alloc(paddingOf(content.length));
  }
  yield END_MARK;
}

function entryOf(file: PlannedFile, sizeBytes: number, seconds: number): TarEntry {
  const isDirectory = file.type === 'directory';
  return {
    type: file.type,
    path: isDirectory ? `${file.path}/` : file.path,
    linkPath: 'target' in file ? file.target : '',
    mode: 'target' in file ? 0o777 : (file.mode ?? (isDirectory ? 0o755 : 0o644)),
    uid: 0,
    gid: 0,
    sizeBytes,
    mtime: { seconds, nanoseconds: 0 },
    major: 0,
    minor: 0,
    xattrs: [],
  };
}
