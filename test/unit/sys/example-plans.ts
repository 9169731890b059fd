/** Two plans: the worked example of docs/plan-format.md, and one that uses every feature of the format. */
import { type Arch, flags } from '../../../src/sys/abi.js';
import { label, type Plan, PlanBuilder } from '../../../src/sys/plan.js';

export const EXAMPLE_VERSION = 0x1122334455667788n;

/** The worked example of the document. */
export function notePlan(): Plan {
  const b = new PlanBuilder('x86_64');
  const note = b.word('note');
  const show = label('show');
  b.step('openat', [flags('AT_FDCWD'), b.str('/note'), flags('O_RDONLY', 'O_CLOEXEC')], 'open the note', {
    result: note,
    tolerate: ['ENOENT'],
    jump: show,
  });
  b.step('dup3', [note, 0, 0], 'read from it', { accept: [0, 0] });
  b.place(show);
  b.step('execve', [b.str('/bin/cat'), b.stringArray(['cat'], 'argv'), b.stringArray([], 'envp')], 'show it');
  return b.build();
}

/** Every kind of argument, flag, branch, range and relocation. */
export function everythingPlan(arch: Arch): Plan {
  const b = new PlanBuilder(arch);
  const parent = label('parent');
  const end = label('end');
  const outcome = b.word('outcome', -7);
  const pair = b.space(8, 'pair[2]');
  const first = b.field(pair, 0, 'w32', 'pair[0]');
  const second = b.field(pair, 4, 'w32', 'pair[1]');
  const byte = b.space(1, 'byte', 1);
  b.reply(outcome, 16);
  b.step('pipe2', [pair, flags('O_CLOEXEC')], 'a pipe');
  b.step('write', [second, b.str('x'), 1], 'one byte into it', { accept: [1, 1], retryOnEintr: true });
  b.step('read', [first, byte, 1], 'and out of it', { accept: [1, 1], result: outcome, retryOnEintr: true });
  b.step('openat', [flags('AT_FDCWD'), b.str('/missing'), 0], 'a file that may be missing', {
    tolerate: ['ENOENT', 'EACCES', 'ENOTDIR', 'ELOOP', 'EPERM', 'EROFS'],
  });
  b.step('clone3', [b.space(88, 'clone_args'), 88], 'two sides', { jump: parent, jumpOn: 'positive' });
  b.step('kill', [outcome, -1], 'an argument below zero', { accept: [-22, -22] });
  b.step('execve', [b.str('x'), b.stringArray(['x', 'y'], 'argv'), b.stringArray([], 'envp')], 'never returns', {
    accept: [0x7fffffffffffffffn, 0x7fffffffffffffffn],
    hint: 'look there',
  });
  b.place(parent);
  b.step('getpid', [], 'nobody has pid 0', { jump: end, jumpOn: 'zero' });
  b.step('lseek', [first, 0x1234567890abcdefn, 0], 'six bytes are not enough', { tolerate: ['ESPIPE'], jump: end });
  b.step('close', [first], 'skipped');
  b.place(end);
  b.step('mmap', [0, 1, 2, 3, 4, 5], 'six arguments', { accept: [-4095, 0] });
  return b.build();
}
