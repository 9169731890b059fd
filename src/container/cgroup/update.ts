/** Other limits for a running container (`update`). */
import { errnoOf, type VlabError } from '../../base/errors.js';
import { configError } from '../config/parse-config.js';
import type { OciResources } from '../config/schema.js';
import { type Cgroup, type CgroupDirectory, directoryOf, unifiedOf } from './cgroup.js';
import { readControl, writeControl } from './control-file.js';
import { deviceLines, deviceList, deviceRules, parseDeviceList } from './device-rules.js';
import { mergeResources, namedGroups } from './merge-resources.js';
import { replaceProgram } from './replace-program.js';
import { type PlacedWrite, resourceWrites } from './resource-writes.js';

/**
 * `before`: what it was given until now, from its configuration and earlier updates. Returns what it has then, for the state.
 * All of it is done or, when the kernel refuses a part, what was done is taken back. Errors: `host` and `input` with the JSON
 * path.
 */
export async function updateResources(
  cgroup: Cgroup,
  before: OciResources,
  wanted: OciResources,
  env?: Readonly<Record<string, string | undefined>>,
): Promise<OciResources> {
  const merged = mergeResources(before, wanted);
  const writes = resourceWrites(namedGroups(merged, wanted), cgroup);
  checkMemory(cgroup, merged);
  if (cgroup.unit) {
    const { setScopeProperties } = await import('./systemd.js');
    await setScopeProperties({ ...cgroup, unit: cgroup.unit }, namedGroups(merged, wanted), env);
  }
  apply(writes);
  if (wanted.devices) await updateDevices(cgroup, wanted);
  return merged;
}

interface Undo {
  directory: CgroupDirectory;
  file: string;
  value: string;
}

/** Errnos with which the kernel refuses a value as long as another one, which comes later, is the old one. */
const IN_THE_WAY = ['EINVAL', 'EBUSY'];

/**
 * Limits bound each other (memory and swap, quota and period and burst), so which order works depends on what is there. What
 * is refused is tried again after the others.
 */
function apply(writes: readonly PlacedWrite[]): void {
  const undo: Undo[] = [];
  let left = [...writes];
  while (left.length > 0) {
    const refused: { write: PlacedWrite; error: unknown }[] = [];
    for (const write of left) {
      try {
        const done = writeResource(write);
        if (done) undo.unshift(done);
      } catch (error) {
        refused.push({ write, error });
      }
    }
    const [first] = refused;
    const hopeless = refused.find(({ error }) => !IN_THE_WAY.includes(errnoOf(error) ?? '')) ?? first;
    if (!first || !hopeless) return;
    if (hopeless !== first || refused.length === left.length || !IN_THE_WAY.includes(errnoOf(first.error) ?? '')) {
      takeBack(undo);
      throw refusal(hopeless.write, hopeless.error);
    }
    left = refused.map(({ write }) => write);
  }
}

/** The old value, to take it back; undefined where nothing was written. */
function writeResource({ directory, files, optional }: PlacedWrite): Undo | undefined {
  for (const [index, { file, value }] of files.entries()) {
    const old = readControl(directory, file);
    try {
      writeControl(directory, file, value);
      return old === undefined ? undefined : { directory, file, value: old };
    } catch (error) {
      const last = index === files.length - 1;
      if (errnoOf(error) !== 'ENOENT' || (last && !optional)) throw error;
    }
  }
  return undefined;
}

function takeBack(undo: readonly Undo[]): void {
  for (const { directory, file, value } of undo) {
    for (const line of value.split('\n')) {
      try {
        writeControl(directory, file, line);
      } catch {
        // The first failure is the one that is told.
      }
    }
  }
}

function refusal({ from, files, directory }: PlacedWrite, error: unknown): VlabError {
  const errno = errnoOf(error) ?? '';
  const [last] = files.slice(-1);
  const input = ['EINVAL', 'ERANGE', 'EBUSY', 'E2BIG'].includes(errno);
  const what =
    errno === 'ENOENT'
      ? `cannot be set: this kernel has no ${last?.file}`
      : `cannot be set: ${last?.file} does not take ${last?.value} (${errno})`;
  return configError(from, what, {
    blame: input ? 'input' : 'host',
    cause: error,
    hint: errno === 'EBUSY' ? 'the container uses more than that now' : `look at the limits above ${directory.path}`,
  });
}

/** `memory.checkBeforeUpdate`: version 2 would kill where version 1 refuses (config-linux.md, "Memory"). */
function checkMemory(cgroup: Cgroup, { memory }: OciResources): void {
  const directory = directoryOf(cgroup, 'memory');
  if (!memory?.checkBeforeUpdate || directory?.version !== 2) return;
  const usage = Number(readControl(directory, 'memory.current') ?? 0);
  for (const key of ['swap', 'limit'] as const) {
    const limit = memory[key] ?? 0;
    if (limit > 0 && limit <= usage) {
      throw configError(`linux.resources.memory.${key}`, `is ${limit}, but ${usage} bytes are in use`, {
        hint: 'end some of what runs in the container, or do not set memory.checkBeforeUpdate',
      });
    }
  }
}

async function updateDevices(cgroup: Cgroup, { devices }: OciResources): Promise<void> {
  const rules = deviceRules(devices);
  const directory = directoryOf(cgroup, 'devices');
  if (directory) {
    const now = parseDeviceList(readControl(directory, 'devices.list') ?? '');
    for (const { file, text } of deviceLines(deviceList(rules), now)) writeControl(directory, file, text);
    return;
  }
  const unified = unifiedOf(cgroup);
  if (unified) await replaceProgram(unified, rules);
}
