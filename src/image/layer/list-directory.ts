/** Names and kinds of what is in a directory, read by a tree session (getdents64(2)). */
import { BATCH_WORDS, type CallBatch } from '../../sys/call-batch.js';
import { LIST_FD, OPEN_HOW_BYTES, openHow, ROOT_FD, type TreeSession } from './tree-session.js';

export interface Listed {
  /** Bytes, latin1. */
  name: string;
  kind: 'directory' | 'symlink' | 'other' | 'unknown';
}

/** Two reads in one batch: most directories end in the second. */
const READ_BYTES = 30_000;
const O_CLOEXEC = 0o2000000;

export async function listDirectory(session: TreeSession, path: string, root = ROOT_FD): Promise<Listed[]> {
  const found: Listed[] = [];
  for (let first = true; ; first = false) {
    const batch = session.batch(8);
    batch.about = `the directory ${path}`;
    const buffers = [batch.space(READ_BYTES), batch.space(READ_BYTES)] as const;
    if (first) openListed(batch, path, root);
    const [one, two] = [batch.word(1), batch.word(2)];
    batch.call('getdents64', [LIST_FD, buffers[0], READ_BYTES], { result: one });
    batch.call('getdents64', [LIST_FD, buffers[1], READ_BYTES], { result: two });
    const bytes = BATCH_WORDS * 8 + 2 * READ_BYTES + 8;
    const reply = await session.send(batch, { offset: 0, bytes });
    const lengths = [Number(reply.readBigInt64LE(8)), Number(reply.readBigInt64LE(16))];
    lengths.forEach((length, index) => {
      const at = buffers[index === 0 ? 0 : 1].offset;
      readEntries(reply.subarray(at, at + length), found);
    });
    if (lengths[1] === 0) return found;
  }
}

function openListed(batch: CallBatch, path: string, root: number): void {
  const opened = batch.word(0);
  batch.call('openat2', [root, batch.name(path === '' ? '.' : path), openHow(batch, 0), OPEN_HOW_BYTES], {
    result: opened,
  });
  batch.call('dup3', [opened, LIST_FD, O_CLOEXEC]);
  batch.call('close', [opened]);
}

/** DT_DIR, DT_LNK and DT_UNKNOWN of dirent.h. */
const KINDS: Record<number, Listed['kind']> = { 0: 'unknown', 4: 'directory', 10: 'symlink' };

/** struct linux_dirent64: inode, offset, length of the record, type, name. */
function readEntries(bytes: Buffer, found: Listed[]): void {
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt16LE(at + 16);
    const name = bytes.toString('latin1', at + 19, bytes.indexOf(0, at + 19));
    if (name !== '.' && name !== '..') found.push({ name, kind: KINDS[bytes[at + 18] ?? 8] ?? 'other' });
    at += length;
  }
}
