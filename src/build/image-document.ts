/** The configuration and the manifest of a built image (image-spec config.md, manifest.md). Pure. */
import type { HistoryEntry, ImageConfig, ImageRunConfig } from '../image/config.js';
import type { Descriptor, Platform } from '../image/descriptor.js';
import { type ImageManifest, OCI_MANIFEST } from '../image/manifest.js';
import type { ImageLayer } from '../image/store/image.js';

export interface BuiltImage {
  platform: Platform;
  config: ImageRunConfig;
  /** The lowest first. */
  layers: ImageLayer[];
  history: HistoryEntry[];
  author?: string | undefined;
  /** Of the last step; absent: it has none, and is what it is built upon. */
  created?: string | undefined;
}

export function imageConfigOf(built: BuiltImage): ImageConfig {
  const { platform, config, layers, history, author, created } = built;
  return {
    ...(created !== undefined && { created }),
    ...(author !== undefined && { author }),
    architecture: platform.architecture,
    os: platform.os,
    ...(platform.variant !== undefined && { variant: platform.variant }),
    config: sorted(config),
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history,
  };
}

export function manifestOf(config: Descriptor, layers: readonly ImageLayer[]): ImageManifest {
  return { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: layers.map(({ descriptor }) => descriptor) };
}

/** Sets and labels by name, so that the same image has the same digest. */
function sorted(config: ImageRunConfig): ImageRunConfig {
  const byName = <T>(map: Record<string, T>) =>
    Object.fromEntries(Object.entries(map).sort(([left], [right]) => (left < right ? -1 : 1)));
  return Object.fromEntries(
    Object.entries(config)
      .filter(([, value]) => value !== undefined)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, value]) => [key, MAPS.has(key) ? byName(value as Record<string, unknown>) : value]),
  );
}

const MAPS = new Set(['ExposedPorts', 'Volumes', 'Labels']);
