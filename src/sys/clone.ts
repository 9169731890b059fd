/** The clone3 step (clone(2)), the one through which plans make processes. */
import { ABI, type AbiName, flags } from './abi.js';
import type { Addr, Label, PlanBuilder, Word } from './plan.js';

export interface CloneOptions {
  /** CLONE_NEW… names. */
  namespaces: readonly AbiName[];
  why: string;
  /** The child is born into a version 2 cgroup (CLONE_INTO_CGROUP), whose descriptor goes into `Cloned.cgroup`. */
  intoCgroup?: boolean;
  /**
   * CLONE_VM: the child borrows the performer's memory until it execs, and nothing is copied that exec would throw away.
   * It cannot unshare(CLONE_NEWUSER), which wants a memory of its own.
   */
  borrowsMemory?: boolean;
  /** CLONE_PARENT: the new process is no child of the one that clones it, but of that one's parent. */
  sibling?: boolean;
  /** Where the kernel writes the child's pid; a word of its own when absent. */
  pid?: Word;
  hint?: string;
}

export interface Cloned {
  /** The child's pid as its parent sees it, and a pidfd for it; both are words of the parent's side. */
  pid: Word;
  pidfd: Word;
  /** The word of clone_args that an earlier step fills with the cgroup's descriptor. */
  cgroup: Word;
  /** Sends the parent's side to `target`; the steps that follow are the child's. */
  toParent(target: Label): void;
  /** Sends the child's side to `target`; the steps that follow are the parent's. */
  toChild(target: Label): void;
}

/** sizeof(struct clone_args), CLONE_ARGS_SIZE_VER2. */
const CLONE_ARGS_BYTES = 88;
/** The interpreter's loop and what it calls need less than 200 bytes; a test compiles it and looks. */
export const CHILD_STACK_BYTES = 1024;

/**
 * Prepares a clone3 step, which `toParent` adds. The image is shared by both sides, so pid and pidfd are written by the kernel through
 * CLONE_PARENT_SETTID and CLONE_PIDFD, never as the step's result, which the child would overwrite with 0.
 */
export function cloneProcess(b: PlanBuilder, options: CloneOptions): Cloned {
  const args: Addr = b.space(CLONE_ARGS_BYTES, 'clone_args');
  const pid = options.pid ?? b.word('pid');
  const pidfd = b.word('pidfd');
  const extra: AbiName[] = [];
  if (options.intoCgroup) extra.push('CLONE_INTO_CGROUP');
  if (options.borrowsMemory) extra.push('CLONE_VM');
  if (options.sibling) extra.push('CLONE_PARENT');
  const all = flags('CLONE_PIDFD', 'CLONE_PARENT_SETTID', ...options.namespaces, ...extra);
  b.put(args.offset, all.value, 64);
  b.point(args.offset + 8, b.addressOf(pidfd));
  b.point(args.offset + 24, b.addressOf(pid));
  if (!options.sibling) b.put(args.offset + 32, ABI.SIGCHLD, 64); // a sibling tells its parent as the other does
  // Also with a memory of its own: its parent may be on a stack in the image, which both share.
  b.point(args.offset + 40, b.space(CHILD_STACK_BYTES, 'stack', 16));
  b.put(args.offset + 48, CHILD_STACK_BYTES, 64);
  const shown: Addr = { ...args, text: `{${all.text}}` };
  const why = options.borrowsMemory ? `${options.why}, on borrowed memory` : options.why;
  const hint = options.hint ? { hint: options.hint } : {};
  const clone = (jump: Label, jumpOn: 'positive' | 'zero') =>
    b.step('clone3', [shown, CLONE_ARGS_BYTES], why, { jump, jumpOn, ...hint });
  return {
    pid: { ...pid, kind: 'w32' },
    pidfd: { ...pidfd, kind: 'w32' },
    cgroup: b.field(args, 80, 'w64', 'clone_args.cgroup'),
    toParent: (target) => clone(target, 'positive'),
    toChild: (target) => clone(target, 'zero'),
  };
}
