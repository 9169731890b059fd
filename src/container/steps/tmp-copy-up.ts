/**
 * `tmpcopyup`: a tmpfs that begins with what the image has at its place (config.md, "Linux mount options"). A plan has no
 * loops, so cp(1) of the host copies. It reads through a mount that follows no link: whatever others do to the image
 * meanwhile, nothing from elsewhere is copied. Pure.
 */
import { flags } from '../../sys/abi.js';
import { cloneProcess } from '../../sys/clone.js';
import { num } from '../../sys/num.js';
import { label, type PlanBuilder, type Word } from '../../sys/plan.js';
import type { ValueChecks } from '../../sys/value-check.js';
import type { Place } from './container-tree.js';
import { changeMount } from './mount-attributes.js';

/** Where the tmpfs is in the copying process, so that its path is known beforehand. */
const TARGET_FD = 1000;
const PROGRAMS = ['/usr/bin/cp', '/bin/cp'];

/** Takes what lies at the place, before something is mounted there. */
export function takeBelow(b: PlanBuilder, { at, name }: Pick<Place, 'at' | 'name'>): Word {
  const below = b.word('below');
  const how = flags('OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC', ...(name === '' ? (['AT_EMPTY_PATH'] as const) : []));
  b.step('open_tree', [at, b.str(name), how], 'take what the image has there', { result: below });
  const set = ['MOUNT_ATTR_RDONLY', 'MOUNT_ATTR_NODEV', 'MOUNT_ATTR_NOSUID', 'MOUNT_ATTR_NOSYMFOLLOW'] as const;
  changeMount(b, below, { set }, 'so that no link in it leads anywhere');
  return below;
}

/** `mode`: what the tmpfs's own directory has in the end, if not what the image's has. */
export function copyUp(
  b: PlanBuilder,
  checks: ValueChecks,
  below: Word,
  tmpfs: Word,
  mode: string | undefined,
  from: string,
) {
  const copied = label('copied');
  const options = { from, hint: 'cp(1) of the host must be there, and able to copy all that the image has there' };
  const cloned = cloneProcess(b, { namespaces: [], why: 'create a process that copies', borrowsMemory: true });
  cloned.toParent(copied);
  b.step('fchdir', [below], 'from there');
  b.step('dup3', [tmpfs, TARGET_FD, 0], 'to here', { from, hint: 'at least 1001 open files must be allowed' });
  const argv = b.stringArray(['cp', '-a', '.', `/proc/self/fd/${TARGET_FD}/`], 'argv');
  const envp = b.stringArray([], 'envp');
  PROGRAMS.forEach((program, index) => {
    const last = index === PROGRAMS.length - 1;
    b.step('execve', [b.str(program), argv, envp], `run ${program}`, last ? options : { tolerate: ['ENOENT'] });
  });
  b.place(copied);
  const info = b.space(128, 'siginfo');
  b.step('waitid', [flags('P_PIDFD'), cloned.pidfd, info, flags('WEXITED'), 0], 'wait until it has copied', {
    retryOnEintr: true,
  });
  checks.within(b.field(info, 24, 'w32', 'its exit status'), 0, 0, 'copy the files of the image', options);
  b.step('close', [cloned.pidfd], 'it has ended');
  // As the kernel reads it; another text it has refused by now.
  if (mode !== undefined && /^[0-7]{1,11}$/.test(mode)) {
    const bits = num(Number.parseInt(mode, 8) & 0o7777, `0${mode}`);
    b.step('fchmodat', [tmpfs, b.str('.'), bits], 'with the mode that was asked for', { from });
  }
}
