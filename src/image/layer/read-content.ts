/** The content of files, read by a tree session: nothing of a tree is opened through a link. */
import { VlabError } from '../../base/errors.js';
import { ABI, hostArch, OPEN_FLAGS } from '../../sys/abi.js';
import { BATCH_WORDS, type CallBatch, type Place } from '../../sys/call-batch.js';
import { shown } from './layer-path.js';
import type { Segment } from './tar/entry.js';
import { BENEATH, FILE_FD, OPEN_HOW_BYTES, type TreeSession } from './tree-session.js';

/** What a reply holds; files of no more are read whole. */
export const READ_BYTES = 60_000;
/** Reads that are under way at once. */
const MOST_UNDER_WAY = 8;
const SEEK_SET = 0;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
/** Pieces that one batch looks for. */
const PIECES_AT_ONCE = 30;

/** Without following a link, nor waiting for who opens the other end of a pipe. */
function open(batch: CallBatch, path: string, root: number): Place {
  const opened = batch.word(0);
  const flags = ABI.O_CLOEXEC | ABI.O_NONBLOCK | ABI.O_NOCTTY | OPEN_FLAGS[hostArch()].O_NOFOLLOW;
  batch.call('openat2', [root, batch.name(path), batch.words(flags, 0, BENEATH), OPEN_HOW_BYTES], { result: opened });
  return opened;
}

/** Later calls name it by FILE_FD. */
async function openFile(session: TreeSession, path: string, root: number): Promise<void> {
  const batch = session.batch(8);
  batch.about = path;
  const opened = open(batch, path, root);
  batch.call('dup3', [opened, FILE_FD, ABI.O_CLOEXEC]);
  batch.call('close', [opened]);
  await session.send(batch);
}

/**
 * The pieces of a file, one after the other, of which each but the last of a segment is as long. Without segments: all of it.
 * Error (`operation`): it has become shorter meanwhile.
 */
export async function* readContent(
  session: TreeSession,
  path: string,
  root: number,
  segments: readonly Segment[],
): AsyncGenerator<Buffer> {
  if (segments.every(({ bytes }) => bytes === 0)) return;
  await openFile(session, path, root);
  const underWay: Promise<Buffer>[] = [];
  for (const { offset, bytes } of segments) {
    for (let at = 0; at < bytes; at += READ_BYTES) {
      const wanted = Math.min(READ_BYTES, bytes - at);
      const asked = readPiece(session, path, offset + at, wanted);
      asked.catch(() => {}); // awaited in its turn
      underWay.push(asked);
      if (underWay.length >= MOST_UNDER_WAY) yield await (underWay.shift() as Promise<Buffer>);
    }
  }
  for (const asked of underWay) yield await asked;
}

/** A file of at most READ_BYTES, in one batch; several can be under way. Error (`operation`): it is shorter than that. */
export async function readSmall(session: TreeSession, path: string, root: number, bytes: number): Promise<Buffer> {
  const batch = session.batch(4);
  batch.about = path;
  const buffer = batch.space(bytes);
  const opened = open(batch, path, root);
  batch.call('read', [opened, buffer, bytes], { result: batch.word(1) });
  batch.call('close', [opened]);
  const reply = await session.send(batch, { offset: 0, bytes: BATCH_WORDS * 8 + bytes });
  mustBeAll(path, Number(reply.readBigInt64LE(8)), bytes);
  return reply.subarray(buffer.offset, buffer.offset + bytes);
}

async function readPiece(session: TreeSession, path: string, offset: number, bytes: number): Promise<Buffer> {
  const batch = session.batch(4);
  batch.about = path;
  const buffer = batch.space(bytes);
  batch.call('lseek', [FILE_FD, offset, SEEK_SET]);
  batch.call('read', [FILE_FD, buffer, bytes], { result: batch.word(0) });
  const reply = await session.send(batch, { offset: 0, bytes: BATCH_WORDS * 8 + bytes });
  mustBeAll(path, Number(reply.readBigInt64LE(0)), bytes);
  return reply.subarray(buffer.offset, buffer.offset + bytes);
}

function mustBeAll(path: string, got: number, wanted: number): void {
  if (got === wanted) return;
  throw new VlabError('operation', `${shown(path)} became shorter while it was read`, {
    hint: 'pause what writes to it, and try again',
  });
}

/**
 * What of a file is no hole (lseek(2)). One piece for a file without holes, and where the file system knows of none; an empty one at
 * the end of a file that ends with a hole, from which GNU tar takes the length.
 */
export async function findSegments(session: TreeSession, path: string, root: number, size: number): Promise<Segment[]> {
  await openFile(session, path, root);
  const segments: Segment[] = [];
  for (let from = 0; from < size; ) {
    const batch = session.batch(64);
    batch.about = path;
    seekPieces(batch, from);
    const reply = await session.send(batch, { offset: 0, bytes: BATCH_WORDS * 8 });
    for (let index = 0; index < PIECES_AT_ONCE; index++) {
      const data = Number(reply.readBigInt64LE((1 + 2 * index) * 8));
      if (data < 0) {
        segments.push({ offset: size, bytes: 0 });
        return segments;
      }
      const hole = Math.min(size, Number(reply.readBigInt64LE((2 + 2 * index) * 8)));
      segments.push({ offset: data, bytes: hole - data });
      from = hole;
      if (hole >= size) return segments;
    }
  }
  return segments;
}

/** Each seek begins where the one before it ended; behind the last piece they all fail. */
function seekPieces(batch: CallBatch, from: number): void {
  const tolerate = ['ENXIO', 'EINVAL'] as const;
  for (let index = 0; index < PIECES_AT_ONCE; index++) {
    const [before, data, hole] = [batch.word(2 * index), batch.word(2 * index + 1), batch.word(2 * index + 2)];
    batch.call('lseek', [FILE_FD, index === 0 ? from : before, SEEK_DATA], { result: data, tolerate });
    batch.call('lseek', [FILE_FD, data, SEEK_HOLE], { result: hole, tolerate });
  }
}
