/** What of a tree goes into a layer, in the order in which it does: sorted by names, a directory before what is in it. */
import { VlabError } from '../../base/errors.js';
import { type FileFacts, readFacts } from './file-facts.js';
import { OPAQUE_NAME, shown, whiteoutName } from './layer-path.js';
import { listDirectory } from './list-directory.js';
import { ROOT_FD, type TreeSession } from './tree-session.js';

/** `path` has no leading and no trailing slash; '' is the root. */
export type Found =
  | { kind: 'file'; path: string; facts: FileFacts; root: number }
  /** A name of its own in the archive: a whiteout, or the mark of an opaque directory. */
  | { kind: 'mark'; path: string };

/** All names of a directory at once, so that content can be read ahead. */
export type Batch = readonly Found[];

const OPAQUE = /^(trusted|user)\.overlay\.opaque$/;
/** With these, what a name holds lies elsewhere. */
const ELSEWHERE = /^(trusted|user)\.overlay\.(redirect|metacopy)$/;

const join = (path: string, name: string) => (path === '' ? name : `${path}/${name}`);
const isWhiteout = ({ type, major, minor }: FileFacts) => type === 'character' && major === 0 && minor === 0;
const byName = (a: FileFacts, b: FileFacts) => (a.name < b.name ? -1 : 1);

async function factsOfAll(session: TreeSession, path: string, root: number): Promise<FileFacts[]> {
  const names = (await listDirectory(session, path, root)).map(({ name }) => name);
  return (await readFacts(session, path, names, root)).sort(byName);
}

/** A whole tree with its root; nothing in it is taken for a whiteout. */
export async function* walkTree(session: TreeSession): AsyncGenerator<Batch> {
  const [facts] = await readFacts(session, '', ['.'], ROOT_FD);
  if (facts) yield [{ kind: 'file', path: '', facts, root: ROOT_FD }];
  yield* walkAll(session, '', ROOT_FD);
}

/** Runs of files, with the directories between them. */
async function* inOrder(
  all: readonly (readonly [FileFacts, Found])[],
  enter: (path: string) => AsyncGenerator<Batch>,
): AsyncGenerator<Batch> {
  let run: Found[] = [];
  for (const [facts, found] of all) {
    run.push(found);
    if (found.kind !== 'file' || facts.type !== 'directory') continue;
    yield run;
    run = [];
    yield* enter(found.path);
  }
  yield run;
}

/** An upper directory of overlayfs: its marks become those of a layer. Error (`operation`): it refers to what lies below it. */
export async function* walkUpper(session: TreeSession, path = ''): AsyncGenerator<Batch> {
  const all = await factsOfAll(session, path, ROOT_FD);
  const [own] = await readFacts(session, path, ['.'], ROOT_FD);
  if (own?.xattrs.some(([name, value]) => OPAQUE.test(name) && value.toString() === 'y')) {
    yield [{ kind: 'mark', path: join(path, OPAQUE_NAME) }];
  }
  const found = all.map((facts) => {
    const here = join(path, facts.name);
    if (facts.xattrs.some(([name]) => ELSEWHERE.test(name))) {
      throw new VlabError('operation', `${shown(here)} refers to a lower layer and cannot be packed`, {
        hint: 'mount overlayfs with redirect_dir=off,metacopy=off',
      });
    }
    const one: Found = isWhiteout(facts)
      ? { kind: 'mark', path: join(path, whiteoutName(facts.name)) }
      : { kind: 'file', path: here, facts, root: ROOT_FD };
    return [facts, one] as const;
  });
  yield* inOrder(found, (under) => walkUpper(session, under));
}

/** `changed` against `base`, the session's second and first root. A directory comes before what has changed in it. */
export async function* walkChanges(
  session: TreeSession,
  path = '',
  parents: readonly Found[] = [],
): AsyncGenerator<Batch> {
  const changedRoot = ROOT_FD + 1;
  const [before, after] = await Promise.all([
    factsOfAll(session, path, ROOT_FD),
    factsOfAll(session, path, changedRoot),
  ]);
  const old = new Map(before.map((facts) => [facts.name, facts]));
  const present = new Set(after.map(({ name }) => name));
  let waiting = parents;
  const gone = before.filter(({ name }) => !present.has(name));
  const marks = gone.map(({ name }): Found => ({ kind: 'mark', path: join(path, whiteoutName(name)) }));
  if (marks.length > 0) {
    yield [...waiting, ...marks];
    waiting = [];
  }
  for (const facts of after) {
    const found: Found = { kind: 'file', path: join(path, facts.name), facts, root: changedRoot };
    const was = old.get(facts.name);
    const isSame = was !== undefined && sameFacts(was, facts);
    if (!isSame) {
      yield [...waiting, found];
      waiting = [];
    }
    if (facts.type !== 'directory') continue;
    if (was?.type === 'directory') {
      for await (const batch of walkChanges(session, found.path, isSame ? [...waiting, found] : [])) {
        if (batch.length === 0) continue;
        waiting = [];
        yield batch;
      }
    } else yield* walkAll(session, found.path, changedRoot);
  }
}

async function* walkAll(session: TreeSession, path: string, root: number): AsyncGenerator<Batch> {
  const all = await factsOfAll(session, path, root);
  yield* inOrder(
    all.map((facts) => [facts, { kind: 'file', path: join(path, facts.name), facts, root }]),
    (under) => walkAll(session, under, root),
  );
}

/** As docker compares: size and time stand for the content. */
function sameFacts(a: FileFacts, b: FileFacts): boolean {
  if (a.type !== b.type || a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid) return false;
  if (a.target !== b.target || a.major !== b.major || a.minor !== b.minor) return false;
  if (a.identity === b.identity) return true;
  const isDirectory = a.type === 'directory'; // its time changes with what is in it
  if (!isDirectory && a.sizeBytes !== b.sizeBytes) return false;
  if (!isDirectory && (a.mtime.seconds !== b.mtime.seconds || a.mtime.nanoseconds !== b.mtime.nanoseconds))
    return false;
  return sameXattrs(a.xattrs, b.xattrs);
}

function sameXattrs(a: FileFacts['xattrs'], b: FileFacts['xattrs']): boolean {
  if (a.length !== b.length) return false;
  const other = new Map(b);
  return a.every(([name, value]) => other.get(name)?.equals(value));
}
