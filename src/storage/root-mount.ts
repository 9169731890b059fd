/**
 * How the root of a container is made of what is on disk: a value. The plan that starts the container performs it in the
 * container's own mount namespace (src/container/steps/root-mount-steps.ts), so nothing is ever mounted on the host.
 */

export type RootMount = DirectoryRoot | OverlayRoot | FuseOverlayRoot;

/** The files lie there as they are: a root file system of the caller's, or a copy of an image's. */
export interface DirectoryRoot {
  kind: 'directory';
  path: string;
}

/** A read-only layer: a directory, or a file that holds an erofs. */
export type LowerLayer = { kind: 'directory'; path: string } | { kind: 'erofs'; path: string };

interface Layered {
  /** Topmost first, at least one. Absolute paths. */
  lower: readonly LowerLayer[];
  /** What the container changes. */
  upper: string;
  /** The file system's own, empty, beside `upper` in one directory. */
  work: string;
  /** An empty directory: where the container's mount namespace has the root until it becomes `/`. */
  place: string;
}

/** overlayfs of the kernel (Documentation/filesystems/overlayfs.rst). */
export interface OverlayRoot extends Layered {
  kind: 'overlay';
  /** Marks of the layers are `user.overlay.*` attributes: the way without privileges. */
  userXattr: boolean;
  /** Nothing is synchronised to disk: for a container that is removed when it ends. */
  volatile: boolean;
  /** `lowerdir+`: one layer at a time (Linux 6.8). `lowerdir`: all in one string. */
  lowerBy: 'lowerdir+' | 'lowerdir';
}

/** fuse-overlayfs(1); its process ends with the container's mount namespace. Needs root. */
export interface FuseOverlayRoot extends Layered {
  kind: 'fuse-overlayfs';
  /** Of the program. */
  program: string;
}

/** What `root.path` of the container's configuration must be. */
export function rootPathOf(root: RootMount): string {
  return root.kind === 'directory' ? root.path : root.place;
}
