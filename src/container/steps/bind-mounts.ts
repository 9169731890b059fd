/** Bind mounts: trees of the host that are shown in the container (open_tree(2)). Pure. */
import { flags } from '../../sys/abi.js';
import type { PlanBuilder, Word } from '../../sys/plan.js';
import { configError } from '../config/parse-config.js';
import type { OciMount } from '../config/schema.js';
import type { FileKind, HostFiles } from '../host-files.js';
import { changeMount, changesOf, type MountChange } from './mount-attributes.js';
import type { IdMaps } from './mount-id-maps.js';
import type { MountOptions } from './mount-options.js';

/** A tree that is mounted nowhere yet. */
export interface Taken {
  tree: Word;
  kind: FileKind;
}

export interface TakeOptions {
  /** Absolute. */
  source: string | undefined;
  files: HostFiles | undefined;
  idMaps: IdMaps;
  /** What the tree becomes before anything else is done to it: it is taken from the host's own namespace. */
  propagation?: 'MS_SLAVE' | 'MS_PRIVATE' | undefined;
}

/**
 * Takes the source, with all that the options ask of it, before anything of the container could be in its way. Error
 * (`input`): it has none.
 */
export function takeSource(
  b: PlanBuilder,
  entry: OciMount,
  index: number,
  options: MountOptions,
  o: TakeOptions,
): Taken {
  const from = `mounts[${index}]`;
  const { source } = o;
  if (!source) throw configError(`${from}.source`, 'is needed for a bind mount');
  const tree = b.word(`for ${entry.destination}`);
  const all = options.bind === 'tree' ? (['AT_RECURSIVE'] as const) : [];
  const how = flags('OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC', ...all);
  b.step('open_tree', [flags('AT_FDCWD'), b.str(source), how], `take ${source}`, {
    result: tree,
    from: `${from}.source`,
    hint: `${source} must exist, and be in reach`,
  });
  const { propagation } = o;
  const isPrivate = options.propagation.some(({ as, recursive }) => recursive && as === 'MS_PRIVATE');
  if (propagation && !isPrivate)
    changeMount(b, tree, { propagation, recursive: true }, 'let nothing that is mounted there reach the host');
  const idmap = o.idMaps.of(entry, index, options);
  changeTree(b, tree, from, changesOf(options, idmap));
  return { tree, kind: o.files?.kindOf(source) ?? 'directory' };
}

/** What the options of `from` ask of a mount that is there. */
export function changeTree(b: PlanBuilder, tree: Word, from: string, changes: readonly MountChange[]): void {
  const options = {
    from: `${from}.options`,
    hint: 'the kernel, or the file system that is mounted, does not do all of that',
  };
  for (const change of changes) {
    changeMount(
      b,
      tree,
      change,
      change.recursive ? 'make all below it, too, what its options say' : 'make it what its options say',
      options,
    );
  }
}
