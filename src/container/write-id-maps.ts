/** Writes the maps of a new user namespace from outside of it (user_namespaces(7), newuidmap(1)). */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { errnoOf, messageOf } from '../base/errors.js';
import { configError } from './config/parse-config.js';
import type { OciConfig, OciIdMapping } from './config/schema.js';
import { mapText } from './steps/id-map-steps.js';

/**
 * `pid`: a process in the namespace, which waits. Without privileges the set-uid helpers do it, as far as /etc/subuid and
 * /etc/subgid allow. Errors: `host` where they are missing or refuse; `input` for ids that cannot be mapped.
 */
export async function writeIdMaps(pid: number, { linux }: OciConfig, rootless: boolean): Promise<void> {
  const maps = [
    { name: 'uidMappings', file: 'uid_map', helper: 'newuidmap', mappings: linux.uidMappings ?? [] },
    { name: 'gidMappings', file: 'gid_map', helper: 'newgidmap', mappings: linux.gidMappings ?? [] },
  ];
  for (const { name, file, helper, mappings } of maps) {
    if (rootless) await help(helper, pid, mappings, `linux.${name}`);
    else write(`/proc/${pid}/${file}`, mappings, `linux.${name}`);
  }
}

function write(path: string, mappings: readonly OciIdMapping[], from: string): void {
  try {
    writeFileSync(path, mapText(mappings));
  } catch (cause) {
    throw configError(from, `was refused by the kernel: ${messageOf(cause)}`, {
      cause,
      hint: 'ranges must not overlap, nor be of no size; and the runtime must have these ids itself',
    });
  }
}

async function help(helper: string, pid: number, mappings: readonly OciIdMapping[], from: string): Promise<void> {
  const words = mappings.flatMap(({ containerID, hostID, size }) => [containerID, hostID, size].map(String));
  try {
    await promisify(execFile)(helper, [String(pid), ...words]);
  } catch (cause) {
    const missing = errnoOf(cause) === 'ENOENT';
    throw configError(from, missing ? `needs ${helper}, which is not installed` : `was refused: ${saidBy(cause)}`, {
      blame: 'host',
      cause,
      hint: missing
        ? 'install it (Debian: uidmap)'
        : 'give the user ranges of ids in /etc/subuid and /etc/subgid: usermod --add-subuids',
    });
  }
}

function saidBy(error: unknown): string {
  const { stderr } = error as { stderr?: string };
  return stderr?.trim() || messageOf(error);
}
