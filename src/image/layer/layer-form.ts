/**
 * What the unpacker and the packer of layers share with those who call them.
 * The format is that of image-spec layer.md; overlay's own marks are those of Documentation/filesystems/overlayfs.rst.
 */

/**
 * How whiteouts stand in a directory.
 * - `overlay`: as overlayfs reads a layer: a whiteout is a character device 0:0, an opaque directory has the attribute
 *   trusted.overlay.opaque=y, or user.overlay.opaque=y where a user namespace does it (mount option userxattr).
 * - `plain`: nothing stands for them; they are applied to what lies in the directory already.
 */
export type LayerForm = 'overlay' | 'plain';

/** `size` ids from `inside` on in the user namespace are those from `outside` on here (user_namespaces(7)). */
export interface IdRange {
  inside: number;
  outside: number;
  size: number;
}

/**
 * The user namespace in which a tree is written or read: owners in the layer are ids inside of it. Where they are left out,
 * the caller's own ids count, and it must be root.
 */
export interface IdMaps {
  uids: readonly IdRange[];
  gids: readonly IdRange[];
  /** Owners that the maps do not hold become 0, as for somebody who has a single id. Otherwise they are an error. */
  squash?: boolean;
}
