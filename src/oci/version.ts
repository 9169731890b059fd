import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../base/paths.js';

/** The newest runtime specification that is compiled whole. */
export const SPEC_VERSION = '1.3.0';

export function vlabVersion(): string {
  return (JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }).version;
}

/** In the shape that podman and containerd take apart: name, then `spec:`. */
export function versionText(): string {
  return `vlab-oci version ${vlabVersion()}\nspec: ${SPEC_VERSION}\n`;
}
