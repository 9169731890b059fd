/** What a bundle holds, read for `create` (bundle.md). */
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { errnoOf, messageOf, VlabError } from '../base/errors.js';
import { configError } from '../container/config/parse-config.js';
import type { OciConfig } from '../container/config/schema.js';

/** Far above any configuration; what does not end is no configuration. */
const MOST_BYTES = 64 << 20;

/** The text of the configuration. Error (`input`): it cannot be read, or is no file. */
export function readBundle(bundle: string, file = 'config.json'): string {
  const path = resolve(bundle, file);
  try {
    // A FIFO or a device would hold up the planner, and so all other commands.
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { size, isFile } = statOf(descriptor);
      if (!isFile) throw new VlabError('input', `${path} is no file`);
      if (size > MOST_BYTES) throw new VlabError('input', `${path} has more than ${MOST_BYTES >> 20} MiB`);
      return readFileSync(descriptor, 'utf8');
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    if (cause instanceof VlabError) throw cause;
    throw new VlabError('input', `cannot read ${join(bundle, file)}: ${messageOf(cause)}`, {
      cause,
      ...(errnoOf(cause) === 'ENOENT' ? { hint: missing(path) } : {}),
    });
  }
}

/** The directory of the container's root. Error (`input`): there is none. */
export function rootfsOf(bundle: string, { root }: OciConfig): string {
  const path = resolve(bundle, root.path);
  let isDirectory: boolean;
  try {
    isDirectory = statSync(path).isDirectory();
  } catch (cause) {
    throw configError('root.path', `cannot be used: ${messageOf(cause)}`, { cause });
  }
  if (!isDirectory) throw configError('root.path', `is no directory: ${path}`);
  return path;
}

function statOf(descriptor: number): { size: number; isFile: boolean } {
  const stat = fstatSync(descriptor);
  return { size: stat.size, isFile: stat.isFile() };
}

/** What a decoder puts in the place of bytes that are no UTF-8. */
const REPLACEMENT = '\ufffd';

function missing(path: string): string {
  return path.includes(REPLACEMENT)
    ? 'the path is not UTF-8, and the state of a container, which names it, is JSON: rename it'
    : 'name the bundle by --bundle; `vlab-oci spec` writes a first config.json';
}
