/** Entries of a layer → calls on a tree. Where something lies in the way, or has to be looked at first, that is done before. */

import { VlabError } from '../../base/errors.js';
import { ABI } from '../../sys/abi.js';
import type { Operand } from '../../sys/call-batch.js';
import { BaseTree } from './base-tree.js';
import {
  createFile,
  finishDirectory,
  finishFile,
  type Kept,
  makeDirectory,
  makeOpaque,
  makeSpecial,
  makeWhiteout,
  remove,
  setOwnerAndXattrs,
} from './entry-steps.js';
import type { LayerForm } from './layer-form.js';
import { leadsOut, type Mark, markOf, shown } from './layer-path.js';
import { addDirectory, type DirectoryNode, resolveDirectory, splitPath, type TreeNode } from './layer-tree.js';
import type { Policy } from './policy.js';
import type { TarEntry } from './tar/entry.js';
import { FILE_FD } from './tree-session.js';
import type { TreeWriter } from './tree-writer.js';

/** What has to be done before an entry can be taken. */
type First = () => Promise<void>;

export class LayerUnpacker {
  private readonly base: BaseTree;
  private readonly metadata = new Map<DirectoryNode, TarEntry>();
  /** The regular file whose content comes in. */
  private file: { descriptor: Operand; entry: TarEntry; kept: Kept; at: number } | undefined;

  constructor(
    private readonly writer: TreeWriter,
    private readonly root: DirectoryNode,
    private readonly form: LayerForm,
    private readonly policy: Policy,
  ) {
    this.base = new BaseTree(writer);
    writer.beforeSend = () => this.keepFileOpen();
  }

  /** A promise where something has to be awaited. Error (`input`): the entry leads out of the root, or makes no sense. */
  entry(entry: TarEntry): Promise<void> | undefined {
    const first = this.take(entry);
    if (first) return this.takeAfter(first, entry);
    return this.writer.step();
  }

  private async takeAfter(first: First, entry: TarEntry): Promise<void> {
    for (let work: First | undefined = first; work; work = this.take(entry)) await work();
    await this.writer.step();
  }

  /** Of the last entry. */
  content(offset: number, bytes: Buffer): Promise<void> | undefined {
    const { file, writer } = this;
    if (!file) return undefined;
    if (offset !== file.at) writer.batch.call('lseek', [file.descriptor, offset, 0]);
    writer.batch.call('write', [file.descriptor, writer.batch.bytes(bytes), bytes.length], { exactly: bytes.length });
    file.at = offset + bytes.length;
    return writer.step();
  }

  /** The last entry has all its content. */
  whole(): void {
    const { file, writer } = this;
    if (!file) return;
    if (file.at < file.entry.sizeBytes) writer.batch.call('ftruncate', [file.descriptor, file.entry.sizeBytes]);
    finishFile(writer, file.descriptor, file.entry, file.kept);
    this.file = undefined;
  }

  /** Nothing more comes: directories get their modes and times. */
  async finish(): Promise<void> {
    for (const [directory, entry] of this.metadata) {
      if (!isThere(directory)) continue; // a later entry replaced it
      this.writer.batch.about = entry.path;
      this.writer.enter(directory);
      finishDirectory(this.writer, entry);
      await this.writer.step();
    }
    await this.writer.settle();
  }

  private take(entry: TarEntry): First | undefined {
    this.writer.batch.about = entry.path;
    const place = splitPath(entry.path);
    if (!place) return this.takeRoot(entry);
    const found = this.directoryFor(place.parents, true);
    if (typeof found === 'function') return found;
    if (!found) return undefined;
    const mark = markOf(place.name);
    return mark ? this.takeMark(found, mark) : this.takeFile(found, place.name, entry);
  }

  private takeRoot(entry: TarEntry): undefined {
    if (entry.type !== 'directory') {
      throw new VlabError('input', `the root of the layer is no directory but a ${entry.type}`);
    }
    this.describe(this.root, entry);
  }

  /** The directory of an entry; makes what is missing of it, as tar does. Undefined: it is not there and shall not be made. */
  private directoryFor(parents: readonly string[], make: boolean): DirectoryNode | First | undefined {
    let missing = parents;
    for (;;) {
      const found = resolveDirectory(this.root, missing);
      if (found.kind === 'directory') return found.directory;
      const { directory, name } = found;
      if (found.kind === 'unknown') return () => this.base.learn(directory);
      if (!make) return undefined;
      this.putDirectory(directory, name, 0o755);
      missing = [...(directory.path === '' ? [] : directory.path.split('/')), name, ...found.rest];
    }
  }

  private takeMark(directory: DirectoryNode, mark: Mark): First | undefined {
    if (mark.kind === 'ignored') return undefined;
    if (mark.kind === 'opaque') return this.hide(directory);
    const node = directory.children.get(mark.name);
    if (!node && !directory.known) return () => this.base.learn(directory);
    // Whiteouts hide what lower layers have, never what is in the same layer.
    if (node?.own) return node.kind === 'directory' ? this.hide(node) : undefined;
    if (this.form === 'overlay') {
      this.writer.enter(directory);
      makeWhiteout(this.writer, mark.name);
      directory.children.set(mark.name, { kind: 'whiteout', own: true });
      return undefined;
    }
    return node ? () => this.base.removeNode(directory, mark.name, node) : undefined;
  }

  private hide(directory: DirectoryNode): First | undefined {
    if (directory.opaque) return undefined;
    if (this.form === 'plain') {
      return async () => {
        directory.opaque = true;
        await this.base.removeForeign(directory);
      };
    }
    this.writer.enter(directory);
    makeOpaque(this.writer);
    directory.opaque = true;
    return undefined;
  }

  private takeFile(directory: DirectoryNode, name: string, entry: TarEntry): First | undefined {
    const node = directory.children.get(name);
    if (!node && !directory.known) return () => this.base.learn(directory);
    if (entry.type === 'directory') return this.takeDirectory(directory, name, node, entry);
    if (node?.kind === 'directory') return () => this.base.removeNode(directory, name, node);
    if (entry.type === 'hard-link') return this.takeHardLink(directory, name, node, entry);
    const kept = this.policy.keep(entry, !directory.own);
    this.replace(directory, name, node);
    if (!kept) return undefined;
    if (entry.type === 'file') {
      this.file = { descriptor: createFile(this.writer, name, entry.mode), entry, kept, at: 0 };
      directory.children.set(name, { kind: 'file', own: true });
    } else {
      makeSpecial(this.writer, name, entry, kept);
      const isLink = entry.type === 'symlink';
      directory.children.set(
        name,
        isLink ? { kind: 'symlink', target: entry.linkPath, own: true } : { kind: 'file', own: true },
      );
    }
    return undefined;
  }

  /** Enters the directory; what has the name goes. */
  private replace(directory: DirectoryNode, name: string, node: TreeNode | undefined): void {
    this.writer.enter(directory);
    if (!node) return;
    remove(this.writer, name, false);
    directory.children.delete(name);
  }

  private takeDirectory(
    directory: DirectoryNode,
    name: string,
    node: TreeNode | undefined,
    entry: TarEntry,
  ): First | undefined {
    if (node?.kind === 'directory') {
      const isBase = !node.own;
      node.own = true;
      this.describe(node, entry);
      return isBase ? () => this.base.clearXattrs(node, this.policy.keep(entry, true)) : undefined;
    }
    this.describe(this.putDirectory(directory, name, entry.mode), entry);
    return undefined;
  }

  /** A new one, in the place of whatever else has the name. */
  private putDirectory(directory: DirectoryNode, name: string, mode: number): DirectoryNode {
    const old = directory.children.get(name);
    this.replace(directory, name, old);
    makeDirectory(this.writer, name, mode);
    const made = addDirectory(directory, name, true, true);
    if (old?.kind === 'whiteout') this.hide(made); // what it hid stays hidden
    return made;
  }

  /** Owner and attributes now, mode and time when all is in it. */
  private describe(directory: DirectoryNode, entry: TarEntry): void {
    const kept = this.policy.keep(entry, true);
    this.writer.enter(directory);
    if (kept) setOwnerAndXattrs(this.writer, this.writer.batch.name('.'), kept);
    this.metadata.set(directory, entry);
  }

  private takeHardLink(
    directory: DirectoryNode,
    name: string,
    node: TreeNode | undefined,
    entry: TarEntry,
  ): First | undefined {
    const target = splitPath(entry.linkPath, 'the target of a hard link');
    if (!target) throw leadsOut(entry.linkPath, 'the target of a hard link');
    const from = this.directoryFor(target.parents, false);
    if (typeof from === 'function') return from;
    const linked = from?.children.get(target.name);
    if (from && !linked && !from.known) return () => this.base.learn(from);
    if (!from || !linked || linked.kind === 'directory' || linked.kind === 'whiteout') {
      throw new VlabError(
        'input',
        `${shown(entry.path)} is a hard link to ${shown(entry.linkPath)}, which is no file there`,
        {
          hint: 'the layer is malformed: pull or build the image again',
        },
      );
    }
    if (linked === node) return undefined;
    this.replace(directory, name, node);
    const { batch } = this.writer;
    const away = from === directory ? undefined : this.writer.open(from, 1);
    batch.call('linkat', [away ?? ABI.AT_FDCWD, batch.name(target.name), ABI.AT_FDCWD, batch.name(name), 0]);
    if (away) batch.call('close', [away]);
    directory.children.set(name, { ...linked, own: true });
    return undefined;
  }

  /** Words do not outlive a batch, descriptors do. */
  private keepFileOpen(): void {
    const { file, writer } = this;
    if (!file || typeof file.descriptor === 'number') return;
    writer.batch.call('dup3', [file.descriptor, FILE_FD, ABI.O_CLOEXEC]);
    writer.batch.call('close', [file.descriptor]);
    file.descriptor = FILE_FD;
  }
}

function isThere(directory: DirectoryNode): boolean {
  for (let node = directory; node.parent; node = node.parent) {
    if (node.parent.children.get(node.path.slice(node.path.lastIndexOf('/') + 1)) !== node) return false;
  }
  return true;
}
