/** The mount of a container's root, by what src/storage says it is made of. Pure. */
import { type RootMount, rootPathOf } from '../../storage/root-mount.js';
import type { PlanBuilder, Word } from '../../sys/plan.js';
import { fuseOverlayMount } from './fuse-overlay-steps.js';
import { hold, type LayerOptions, overlayByOldCall, overlayMount } from './overlay-steps.js';

/** Whether the parent makes it before the clone: who serves it stays on the host, or ids are mapped by who may. */
export function isMadeByParent(root: RootMount, mapsIds: boolean): boolean {
  return root.kind === 'fuse-overlayfs' || mapsIds;
}

export interface MadeRoot {
  mounted: Word;
  /**
   * Where it goes, or is: by its `path`; in the directory that a child is born to stand in, where its own ids may not walk the path
   * (`cwd`); or it is at its place already (`attached`).
   */
  place: 'path' | 'cwd' | 'attached';
}

/** Undefined: the directory as it is. Errors: RangeError for mapped ids where this kind cannot have them; storage never asks for that. */
export function makeRoot(b: PlanBuilder, root: RootMount, options: LayerOptions): MadeRoot | undefined {
  const { idmap } = options;
  const inCwd = (mounted: Word): MadeRoot => {
    b.step('chdir', [b.str(rootPathOf(root))], 'the child shall stand there, in its own mount namespace');
    return { mounted, place: 'cwd' };
  };
  if (root.kind === 'directory') return idmap && inCwd(hold(b, root.path, 'the root file system', idmap));
  if (root.kind === 'fuse-overlayfs') {
    if (idmap) throw new RangeError('fuse-overlayfs maps no ids');
    return { mounted: fuseOverlayMount(b, root), place: 'path' };
  }
  if (root.lowerBy === 'lowerdir+') {
    const mounted = overlayMount(b, root, options);
    return idmap ? inCwd(mounted) : { mounted, place: 'path' };
  }
  if (idmap) throw new RangeError('a kernel without lowerdir+ maps no ids of layers that are attached nowhere');
  return { mounted: overlayByOldCall(b, root, options), place: 'attached' };
}
