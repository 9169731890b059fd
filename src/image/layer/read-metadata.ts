/** Targets of links and extended attributes, read by a tree session. */
import { ABI } from '../../sys/abi.js';
import type { CallBatch, Place } from '../../sys/call-batch.js';
import { BATCH_WORDS } from '../../sys/call-batch.js';
import { OPEN_HOW_BYTES, openHow, ROOT_FD, type TreeSession } from './tree-session.js';

const PATH_MAX = 4096;
/** As many targets as fit a reply. */
const LINKS_AT_ONCE = 15;
/** The kernel's greatest list and value (linux/limits.h: XATTR_LIST_MAX, XATTR_SIZE_MAX); what is sent back holds 60 KiB. */
const XATTR_BYTES = 60_000;

/** Later calls name files of that directory. */
export function enterDirectory(batch: CallBatch, path: string, root: number): void {
  const opened = batch.word(0);
  batch.call('openat2', [root, batch.name(path === '' ? '.' : path), openHow(batch, ABI.O_PATH), OPEN_HOW_BYTES], {
    result: opened,
  });
  batch.call('fchdir', [opened]);
  batch.call('close', [opened]);
}

/** Those of them that are links; the others are left out. */
export async function readLinks(
  session: TreeSession,
  path: string,
  names: readonly string[],
  root = ROOT_FD,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (let from = 0; from < names.length; from += LINKS_AT_ONCE) {
    const some = names.slice(from, from + LINKS_AT_ONCE);
    const batch = session.batch(32);
    batch.about = `links in ${path}`;
    const buffers: Place[] = some.map(() => batch.space(PATH_MAX));
    enterDirectory(batch, path, root);
    some.forEach((name, index) => {
      const operands = [ABI.AT_FDCWD, batch.name(name), buffers[index] as Place, PATH_MAX];
      batch.call('readlinkat', operands, { result: batch.word(index + 1), tolerate: ['EINVAL'] });
    });
    const reply = await session.send(batch, { offset: 0, bytes: BATCH_WORDS * 8 + some.length * PATH_MAX });
    some.forEach((name, index) => {
      const length = Number(reply.readBigInt64LE((index + 1) * 8));
      const at = (buffers[index] as Place).offset;
      if (length >= 0) found.set(name, reply.toString('latin1', at, at + length));
    });
  }
  return found;
}

/** Of a file that no link leads to: `path` of a directory, and `name` in it (`.`: its own). */
export async function readXattrs(
  session: TreeSession,
  path: string,
  name = '.',
  root = ROOT_FD,
): Promise<[string, Buffer][]> {
  const list = await oneBuffer(session, path, root, (batch, buffer) => [
    'llistxattr',
    [batch.name(name), buffer, XATTR_BYTES],
  ]);
  const found: [string, Buffer][] = [];
  for (const xattr of list.toString('latin1').split('\0')) {
    if (xattr === '') continue;
    const value = await oneBuffer(session, path, root, (batch, buffer) => [
      'lgetxattr',
      [batch.name(name), batch.name(xattr), buffer, XATTR_BYTES],
    ]);
    found.push([xattr, value]);
  }
  return found;
}

async function oneBuffer(
  session: TreeSession,
  path: string,
  root: number,
  call: (batch: CallBatch, buffer: Place) => [name: 'llistxattr' | 'lgetxattr', operands: (number | Place)[]],
): Promise<Buffer> {
  const batch = session.batch(8);
  batch.about = `attributes in ${path}`;
  const buffer = batch.space(XATTR_BYTES);
  enterDirectory(batch, path, root);
  const [name, operands] = call(batch, buffer);
  batch.call(name, operands, { result: batch.word(1), tolerate: ['EOPNOTSUPP'] });
  const reply = await session.send(batch, { offset: 0, bytes: BATCH_WORDS * 8 + XATTR_BYTES });
  const length = Math.max(0, Number(reply.readBigInt64LE(8)));
  return reply.subarray(buffer.offset, buffer.offset + length);
}
