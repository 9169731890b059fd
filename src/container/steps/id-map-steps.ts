/** Users and groups of a new user namespace as steps (user_namespaces(7)). Pure. */
import { flags } from '../../sys/abi.js';
import type { PlanBuilder, Word } from '../../sys/plan.js';
import { hostId } from '../config/namespaces.js';
import type { OciConfig, OciIdMapping } from '../config/schema.js';

/** The text of uid_map and gid_map: a line for each range. */
export function mapText(mappings: readonly OciIdMapping[] = []): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('');
}

/** A process may map its own id without help once it gave up setgroups. */
export function mapOwnIds(b: PlanBuilder, { linux }: OciConfig): void {
  const files = { setgroups: 'deny', uid_map: mapText(linux.uidMappings), gid_map: mapText(linux.gidMappings) };
  for (const [file, value] of Object.entries(files)) {
    const fd = b.word('fd');
    const path = b.str(`/proc/self/${file}`);
    b.step('openat', [flags('AT_FDCWD'), path, flags('O_WRONLY', 'O_CLOEXEC')], `open its ${file}`, { result: fd });
    b.step('write', [fd, b.str(value), value.length], `write ${JSON.stringify(value.trim())}`);
    b.step('close', [fd], 'done with it');
  }
}

/**
 * After somebody else wrote the maps, or in a namespace that is there already: becomes the namespace's root, before anything
 * is made that should be the root's. Its capabilities it has since it entered.
 * `mapped`: whether the namespace has such ids; unknown for one that others made.
 */
export function becomeRoot(b: PlanBuilder, mapped: { user: boolean; group: boolean } | 'unknown'): void {
  const unknown = mapped === 'unknown';
  const tolerate = unknown ? (['EINVAL', 'EPERM'] as const) : [];
  const options = { tolerate: [...tolerate] };
  if (unknown || mapped.group) {
    b.step('setgroups', [0, 0], "leave the host's groups", unknown ? options : { tolerate: ['EPERM'] });
    b.step('setresgid', [0, 0, 0], "become the namespace's root group", options);
  }
  if (unknown || mapped.user) b.step('setresuid', [0, 0, 0], "become the namespace's root", options);
}

export function rootMapped({ linux }: OciConfig): { user: boolean; group: boolean } {
  return {
    user: hostId(linux.uidMappings, 0) !== undefined,
    group: hostId(linux.gidMappings, 0) !== undefined,
  };
}

/** time_namespaces(7): clocks of a new time namespace are set before the first process enters it. */
export function newTimeNamespace(b: PlanBuilder, offsets: OciConfig['linux']['timeOffsets']): void {
  const from = 'linux.timeOffsets';
  b.step('unshare', [flags('CLONE_NEWTIME')], 'make a time namespace, for what comes after it', {
    hint: 'time namespaces need Linux 5.6 and CONFIG_TIME_NS',
  });
  const text = Object.entries(offsets ?? {})
    .map(([clock, { secs = 0, nanosecs = 0 }]) => `${clock} ${secs} ${nanosecs}\n`)
    .join('');
  if (text === '') return;
  const fd: Word = b.word('fd');
  const file = b.str('/proc/self/timens_offsets');
  b.step('openat', [flags('AT_FDCWD'), file, flags('O_WRONLY', 'O_CLOEXEC')], 'open its clocks', { result: fd, from });
  b.step('write', [fd, b.str(text), text.length], `set them apart: ${JSON.stringify(text.trim())}`, { from });
  b.step('close', [fd], 'done with it');
}
