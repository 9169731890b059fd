/** What lay in the directory before the layer came: looked at where the layer touches it, and removed where it hides it. */
import { type Kept, remove, setOwnerAndXattrs } from './entry-steps.js';
import type { DirectoryNode, TreeNode } from './layer-tree.js';
import { addDirectory } from './layer-tree.js';
import { listDirectory } from './list-directory.js';
import { readLinks, readXattrs } from './read-metadata.js';
import type { TreeWriter } from './tree-writer.js';

export class BaseTree {
  constructor(private readonly writer: TreeWriter) {}

  /** Afterwards everything in the directory is known. */
  async learn(directory: DirectoryNode): Promise<void> {
    if (directory.known) return;
    await this.writer.settle();
    const { session } = this.writer;
    const listed = (await listDirectory(session, directory.path)).filter(({ name }) => !directory.children.has(name));
    const links = listed.filter(({ kind }) => kind === 'symlink').map(({ name }) => name);
    const targets = await readLinks(session, directory.path, links);
    for (const { name, kind } of listed) {
      const target = targets.get(name);
      if (kind === 'directory') addDirectory(directory, name, false, false);
      else if (target !== undefined) directory.children.set(name, { kind: 'symlink', target, own: false });
      else directory.children.set(name, { kind: 'file', own: false });
    }
    directory.known = true;
  }

  /** With all that is in it. */
  async removeNode(directory: DirectoryNode, name: string, node: TreeNode): Promise<void> {
    if (node.kind === 'directory') {
      await this.learn(node);
      for (const [inner, child] of [...node.children]) await this.removeNode(node, inner, child);
    }
    this.writer.enter(directory);
    remove(this.writer, name, node.kind === 'directory');
    directory.children.delete(name);
    await this.writer.step();
  }

  /** What the layer itself did not make. */
  async removeForeign(directory: DirectoryNode): Promise<void> {
    await this.learn(directory);
    for (const [name, child] of [...directory.children]) {
      if (!child.own) await this.removeNode(directory, name, child);
      else if (child.kind === 'directory') await this.removeForeign(child);
    }
  }

  /** Of a directory that lay there: it gets the layer's and no others. */
  async clearXattrs(directory: DirectoryNode, kept: Kept | undefined): Promise<void> {
    await this.writer.settle();
    const found = await readXattrs(this.writer.session, directory.path);
    const wanted = new Set(kept?.xattrs.map(([xattr]) => xattr));
    this.writer.enter(directory);
    const { batch } = this.writer;
    const here = batch.name('.');
    for (const [xattr] of found) if (!wanted.has(xattr)) batch.call('lremovexattr', [here, batch.name(xattr)]);
    if (kept) setOwnerAndXattrs(this.writer, here, kept);
  }
}
