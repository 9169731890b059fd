/**
 * Shares of caches and memory bandwidth as steps (config-linux.md, "IntelRdt"; kernel Documentation/filesystems/resctrl.rst).
 * Pure.
 */
import { join } from 'node:path';
import { flags } from '../../sys/abi.js';
import { num } from '../../sys/num.js';
import type { PlanBuilder, Word } from '../../sys/plan.js';
import { configError } from '../config/parse-config.js';
import type { OciLinux } from '../config/schema.js';
import type { HostAbilities } from '../host-abilities.js';

export interface ResctrlSteps {
  /** In the parent, before the clone. */
  make(): void;
  /** In the child. */
  join(): void;
  /** After the container's end: the directories that were made for it, deepest first. */
  directories: string[];
}

/** `id`: the container's, which names its group where closID does not. Errors: `host` where there is no such thing. */
export function resctrlSteps(
  b: PlanBuilder,
  intelRdt: OciLinux['intelRdt'],
  id: string,
  host: HostAbilities,
): ResctrlSteps | undefined {
  if (!intelRdt) return undefined;
  const from = 'linux.intelRdt';
  const root = host.resctrl();
  if (root === undefined) throw configError(from, 'needs resctrl, which is not mounted here', { blame: 'host' });
  const { closID, enableMonitoring } = intelRdt;
  for (const [name, text] of Object.entries({ closID, id })) {
    if (
      text !== undefined &&
      (/[/\n]/.test(text) || ['', '.', '..', 'info', 'mon_groups', 'mon_data'].includes(text))
    ) {
      throw configError(name === 'id' ? from : `${from}.closID`, `cannot be the name of a group: ${text}`);
    }
  }
  const group = join(root, closID ?? id);
  const wanted = schemataOf(intelRdt);
  const present = host.textOf(join(group, 'schemata'));
  if (closID !== undefined && wanted.length === 0 && present === undefined) {
    throw configError(`${from}.closID`, `is a group that does not exist: ${group}`, { blame: 'host' });
  }
  if (closID !== undefined && present !== undefined) checkSame(wanted, present, from);
  const makes = present === undefined;
  const monitor = enableMonitoring ? join(group, 'mon_groups', id) : undefined;
  const tasks: Word[] = [];
  return {
    make() {
      const mode = num(0o755, '0755');
      if (makes) b.step('mkdirat', [flags('AT_FDCWD'), b.str(group), mode], 'make a group of shares', { from });
      if (makes) for (const line of wanted) writeLine(b, join(group, 'schemata'), line, from);
      if (monitor !== undefined) {
        b.step('mkdirat', [flags('AT_FDCWD'), b.str(monitor), mode], 'make a group to measure', { from });
      }
      for (const directory of monitor === undefined ? [group] : [group, monitor]) {
        const fd = b.word('tasks');
        const path = b.str(join(directory, 'tasks'));
        b.step('openat', [flags('AT_FDCWD'), path, flags('O_WRONLY', 'O_CLOEXEC')], 'open its list of tasks', {
          result: fd,
          from,
        });
        tasks.push(fd);
      }
    },
    join() {
      for (const fd of tasks) b.step('write', [fd, b.str('0'), 1], 'join the group (0 is "myself")', { from });
    },
    directories: [...(monitor === undefined ? [] : [monitor]), ...(makes ? [group] : [])],
  };
}

/** The lines in the order in which they are written: those of `schemata` last. */
function schemataOf({ l3CacheSchema, memBwSchema, schemata = [] }: NonNullable<OciLinux['intelRdt']>): string[] {
  const lines = (text = '') => text.split('\n').filter((line) => line.trim() !== '');
  const cache = lines(l3CacheSchema).filter((line) => memBwSchema === undefined || !line.startsWith('MB:'));
  return [...cache, ...lines(memBwSchema), ...schemata.flatMap(lines)];
}

/** A group that others use keeps its shares: what is asked for must be what it has. */
function checkSame(wanted: readonly string[], present: string, from: string): void {
  const lines = new Set(present.split('\n').map(plain));
  for (const line of wanted) {
    if (!lines.has(plain(line))) throw configError(from, `asks for ${line}, but the group exists with other shares`);
  }
}

/** Without blanks, and numbers without leading zeros, as the kernel pads both. */
function plain(line: string): string {
  return line.replace(/\s+/g, '').replace(/=0+(?=[0-9a-f])/gi, '=');
}

function writeLine(b: PlanBuilder, path: string, line: string, from: string): void {
  const fd = b.word('schemata');
  const how = flags('O_WRONLY', 'O_CLOEXEC');
  b.step('openat', [flags('AT_FDCWD'), b.str(path), how], 'open its shares', { result: fd, from });
  b.step('write', [fd, b.str(`${line}\n`), Buffer.byteLength(line) + 1], `set ${line}`, { from });
  b.step('close', [fd], 'done with it');
}
