/** What is known of the files of a directory without reading their content (statx(2), llistxattr(2)). */
import { ABI } from '../../sys/abi.js';
import { BATCH_WORDS, type Place } from '../../sys/call-batch.js';
import { enterDirectory, readLinks, readXattrs } from './read-metadata.js';
import type { EntryType, TarTime } from './tar/entry.js';
import type { TreeSession } from './tree-session.js';

export interface FileFacts {
  name: string;
  type: Exclude<EntryType, 'hard-link'> | 'socket';
  mode: number;
  uid: number;
  gid: number;
  sizeBytes: number;
  /** What it takes of the disk. */
  heldBytes: number;
  mtime: TarTime;
  major: number;
  minor: number;
  links: number;
  /** The same for all names of one file. */
  identity: string;
  target: string;
  xattrs: [string, Buffer][];
}

const STATX_BYTES = 256;
const LIST_BYTES = 1024;
const AT_ONCE = 40;
const TYPES: Record<number, FileFacts['type']> = {
  1: 'fifo',
  2: 'character',
  4: 'directory',
  6: 'block',
  8: 'file',
  10: 'symlink',
  12: 'socket',
};

/** In the order of `names`. `.` is the directory itself. */
export async function readFacts(
  session: TreeSession,
  path: string,
  names: readonly string[],
  root: number,
): Promise<FileFacts[]> {
  const found: FileFacts[] = [];
  for (let from = 0; from < names.length; from += AT_ONCE) {
    found.push(...(await readSome(session, path, names.slice(from, from + AT_ONCE), root)));
  }
  return found;
}

async function readSome(session: TreeSession, path: string, names: readonly string[], root: number) {
  const batch = session.batch(128);
  batch.about = path;
  const places: [statx: Place, list: Place][] = names.map(() => [batch.space(STATX_BYTES), batch.space(LIST_BYTES)]);
  enterDirectory(batch, path, root);
  names.forEach((name, index) => {
    const [statx, list] = places[index] as [Place, Place];
    const at = batch.name(name);
    batch.call('statx', [ABI.AT_FDCWD, at, ABI.AT_SYMLINK_NOFOLLOW, ABI.STATX_BASIC_STATS, statx]);
    batch.call('llistxattr', [at, list, LIST_BYTES], {
      result: batch.word(index + 1),
      tolerate: ['EOPNOTSUPP', 'ERANGE'],
    });
  });
  const bytes = BATCH_WORDS * 8 + names.length * (STATX_BYTES + LIST_BYTES);
  const reply = await session.send(batch, { offset: 0, bytes });
  const facts = names.map((name, index) => factsFrom(name, reply, (places[index] as [Place, Place])[0].offset));
  const links = facts.filter(({ type }) => type === 'symlink').map(({ name }) => name);
  const targets = await readLinks(session, path, links, root);
  for (const [index, one] of facts.entries()) {
    one.target = targets.get(one.name) ?? '';
    // No attributes is the rule, and a list that is too long the exception.
    if (reply.readBigInt64LE((index + 1) * 8) !== 0n) one.xattrs = await readXattrs(session, path, one.name, root);
  }
  return facts;
}

/** struct statx. */
function factsFrom(name: string, reply: Buffer, at: number): FileFacts {
  const mode = reply.readUInt16LE(at + 28);
  const [devMajor, devMinor] = [reply.readUInt32LE(at + 136), reply.readUInt32LE(at + 140)];
  return {
    name,
    type: TYPES[mode >> 12] ?? 'socket',
    mode: mode & 0o7777,
    uid: reply.readUInt32LE(at + 20),
    gid: reply.readUInt32LE(at + 24),
    sizeBytes: Number(reply.readBigUInt64LE(at + 40)),
    heldBytes: Number(reply.readBigUInt64LE(at + 48)) * 512,
    mtime: { seconds: Number(reply.readBigInt64LE(at + 112)), nanoseconds: reply.readUInt32LE(at + 120) },
    major: reply.readUInt32LE(at + 128),
    minor: reply.readUInt32LE(at + 132),
    links: reply.readUInt32LE(at + 16),
    identity: `${devMajor}:${devMinor}:${reply.readBigUInt64LE(at + 32)}`,
    target: '',
    xattrs: [],
  };
}
