/**
 * The same root by fuse-overlayfs(1), as steps of the parent: it makes the mount, attached nowhere, and hands the open /dev/fuse to
 * the program (fuse_session_mount of libfuse takes /dev/fd/N for a mount point). The program belongs to the mount: when the
 * container's mount namespace goes, the kernel ends the connection, and it ends. Pure.
 */
import type { FuseOverlayRoot } from '../../storage/root-mount.js';
import { flags } from '../../sys/abi.js';
import { unblockSignals } from '../../sys/attached.js';
import { cloneProcess } from '../../sys/clone.js';
import { label, type PlanBuilder, type Word } from '../../sys/plan.js';
import { closeFrom } from './descriptor-steps.js';

/** fsconfig(2) must be told a number, and the program reads it in its arguments. */
const FUSE_FD = 4;
/** While the parent has it; above all that it holds. */
const HELD_FD = 398;

export function fuseOverlayMount(b: PlanBuilder, root: FuseOverlayRoot): Word {
  const [device, context, mounted] = [b.word('fuse'), b.word('fs'), b.word('root')];
  const hint = 'this kernel must have FUSE, and fuse-overlayfs must be installed';
  b.step('openat', [flags('AT_FDCWD'), b.str('/dev/fuse'), flags('O_RDWR', 'O_CLOEXEC')], 'begin a connection', {
    result: device,
    hint,
  });
  b.step('dup3', [device, HELD_FD, flags('O_CLOEXEC')], `as ${HELD_FD}`);
  b.step('close', [device], 'once is enough');
  b.step('fsopen', [b.str('fuse'), flags('FSOPEN_CLOEXEC')], 'begin the root, by FUSE', { result: context, hint });
  const parameters = { source: 'fuse-overlayfs', fd: `${HELD_FD}`, rootmode: '40000', user_id: '0', group_id: '0' };
  for (const [key, value] of Object.entries(parameters)) {
    b.step('fsconfig', [context, flags('FSCONFIG_SET_STRING'), b.str(key), b.str(value), 0], `with ${key}=${value}`);
  }
  for (const name of ['default_permissions', 'allow_other']) {
    b.step('fsconfig', [context, flags('FSCONFIG_SET_FLAG'), b.str(name), 0, 0], `with ${name}`);
  }
  b.step('fsconfig', [context, flags('FSCONFIG_CMD_CREATE'), 0, 0, 0], 'create it', { hint });
  b.step('fsmount', [context, flags('FSMOUNT_CLOEXEC'), 0], 'make a mount of it', { result: mounted });
  b.step('close', [context], 'it is made');
  serve(b, root);
  b.step('close', [HELD_FD], 'fuse-overlayfs has it');
  return mounted;
}

function serve(b: PlanBuilder, root: FuseOverlayRoot): void {
  const parent = label('fuse-overlayfs started');
  const cloned = cloneProcess(b, { namespaces: [], borrowsMemory: true, why: 'create a process for fuse-overlayfs' });
  cloned.toParent(parent);
  b.step('setsid', [], "a session of its own: no terminal's signal is meant for it");
  unblockSignals(b);
  b.step('chdir', [b.str('/')], 'stand where nothing is held');
  const nothing = b.word('null');
  b.step('openat', [flags('AT_FDCWD'), b.str('/dev/null'), flags('O_RDWR', 'O_CLOEXEC')], 'nothing to read or say', {
    result: nothing,
  });
  for (const number of [0, 1, 2]) b.step('dup3', [nothing, number, 0], `as descriptor ${number}`);
  b.step('dup3', [HELD_FD, FUSE_FD, 0], `the connection is descriptor ${FUSE_FD}`);
  b.step('close', [3], 'who answers the caller is another');
  closeFrom(b, FUSE_FD + 1, 'and it has no other');
  const argv = [root.program, '-f', '-o', optionsOf(root), `/dev/fd/${FUSE_FD}`];
  b.step('execve', [b.str(root.program), b.stringArray(argv, 'argv'), b.stringArray([], 'envp')], 'run it');
  b.place(parent);
  b.step('close', [cloned.pidfd], 'it ends with its mount');
}

/** It divides what it is given at every colon: storage gives it no path that holds one. */
function optionsOf({ lower, upper, work }: FuseOverlayRoot): string {
  const layers = lower.map(({ path }) => escaped(path)).join(':');
  return `lowerdir=${layers},upperdir=${escaped(upper)},workdir=${escaped(work)}`;
}

/** libfuse takes a backslash away, and what stands behind it as it is. */
const escaped = (path: string) => path.replace(/[\\,]/g, '\\$&');
