/**
 * What is known of the tree that a layer is unpacked into. Every path is resolved here, inside of the root, before the kernel is
 * asked for anything; the kernel then follows no link at all. Pure.
 */
import { VlabError } from '../../base/errors.js';
import { componentsOf, shown } from './layer-path.js';

export interface DirectoryNode {
  kind: 'directory';
  /** From the root, without links; '' is the root. */
  path: string;
  parent: DirectoryNode | undefined;
  children: Map<string, TreeNode>;
  /** All that is in it is in `children`; otherwise one has to look. */
  known: boolean;
  /** This layer has an entry for it, or made it. */
  own: boolean;
  /** This layer hides what lower layers have in it. */
  opaque: boolean;
}
export type TreeNode =
  | DirectoryNode
  | { kind: 'symlink'; target: string; own: boolean }
  | { kind: 'file'; own: boolean }
  | { kind: 'whiteout'; own: true };

/** As many links as the kernel follows (path_resolution(7)). */
const MOST_LINKS = 40;

export type Resolved =
  | { kind: 'directory'; directory: DirectoryNode }
  /** `directory` has no `name`; `rest` would be in it. */
  | { kind: 'missing'; directory: DirectoryNode; name: string; rest: string[] }
  /** Somebody has to look what `name` is, then ask again. */
  | { kind: 'unknown'; directory: DirectoryNode; name: string };

export function rootNode(known: boolean): DirectoryNode {
  return { kind: 'directory', path: '', parent: undefined, children: new Map(), known, own: false, opaque: false };
}

export function addDirectory(parent: DirectoryNode, name: string, known: boolean, own: boolean): DirectoryNode {
  const path = parent.path === '' ? name : `${parent.path}/${name}`;
  const node: DirectoryNode = { kind: 'directory', path, parent, children: new Map(), known, own, opaque: false };
  parent.children.set(name, node);
  return node;
}

/**
 * The directory that `components` name, through links as chroot(2) would follow them: `..` ends at the root, and an absolute
 * target begins there. Error (`input`): something on the way is no directory, or links lead in a circle.
 */
export function resolveDirectory(root: DirectoryNode, components: readonly string[]): Resolved {
  let here = root;
  let links = 0;
  const left = [...components].reverse();
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      here = here.parent ?? root;
      continue;
    }
    const node = here.children.get(name);
    if (!node) {
      if (!here.known) return { kind: 'unknown', directory: here, name };
      return { kind: 'missing', directory: here, name, rest: left.reverse() };
    }
    if (node.kind === 'directory') here = node;
    else if (node.kind === 'symlink') {
      if (++links > MOST_LINKS) throw notThrough(components, 'leads through too many links');
      if (node.target.startsWith('/')) here = root;
      left.push(...node.target.split('/').reverse());
    } else if (node.kind === 'whiteout') return { kind: 'missing', directory: here, name, rest: left.reverse() };
    else throw notThrough(components, `leads through ${shown(name)}, which is no directory`);
  }
  return { kind: 'directory', directory: here };
}

function notThrough(components: readonly string[], why: string): VlabError {
  return new VlabError('input', `the path ${shown(components.join('/'))} of the layer ${why}`, {
    hint: 'the layer is malformed: pull or build the image again',
  });
}

/** The directory of an entry and its name in it; undefined: it is the root itself. */
export function splitPath(path: string, what?: string): { parents: string[]; name: string } | undefined {
  const parents = componentsOf(path, what);
  const name = parents.pop();
  return name === undefined ? undefined : { parents, name };
}
