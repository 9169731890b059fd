/**
 * The host's side of one timed start of a virtual machine, as a plan: clone QEMU with its channels as inherited
 * descriptors, stamp each mark of the guest as it arrives, wait for output, for the guest's exit record and for QEMU's
 * end. All times are the host's. Pure.
 */
import { flags } from '../sys/abi.js';
import { attached, unblockSignals } from '../sys/attached.js';
import { cloneProcess } from '../sys/clone.js';
import { words32 } from '../sys/encode.js';
import { num } from '../sys/num.js';
import { type Addr, label, type Plan, PlanBuilder, type Word } from '../sys/plan.js';
import { Stamps } from '../sys/stamps.js';
import { EXIT_RECORD_BYTES } from '../vm/guest-ports.js';
import type { Channels } from '../vm/prepare-vm.js';
import type { ObserveOptions } from './observe.js';

/** Files of one start besides the two that every driver has. */
export interface VmFiles extends ObserveOptions {
  consolePath: string;
  /** What QEMU itself says. */
  qemuPath: string;
  /** A FIFO, through which signals for the guest's program go. While the performer or QEMU lives, one of them has it open. */
  signalsPath: string;
}

/** QEMU's descriptors: above what a plan opens, below the usual limit of 1024. */
const FD = { stdout: 1000, stderr: 1001, console: 1002, marks: 1003, held: 1004 } as const;
/** The two that the performer waits for. */
const WATCH_FD = 1010;
const MARKS_FD = 1011;

/** Where QEMU finds its channels; for the machine description. */
export const vmChannels = (files: Pick<VmFiles, 'signalsPath'>): Channels => ({
  console: { kind: 'fd-out', fd: FD.console },
  marks: { kind: 'fd-out', fd: FD.marks },
  stdout: { kind: 'fd-out', fd: FD.stdout },
  stderr: { kind: 'fd-out', fd: FD.stderr },
  stdin: { kind: 'null' },
  signals: { kind: 'fifo', path: files.signalsPath },
  drained: { kind: 'null' },
  monitor: undefined,
});

export function vmPlan(
  arch: PlanBuilder['arch'],
  qemu: { path: string; args: readonly string[]; env: Readonly<Record<string, string>> },
  files: VmFiles,
): Plan {
  const b = new PlanBuilder(arch);
  const stamps = new Stamps(b);
  const parent = label('parent');
  const tie = attached(b);
  b.step('umask', [num(0o022, '022')], 'the same file mode mask for every arm');
  const open = openFiles(b, files);
  tie.before();
  const cloned = cloneProcess(b, {
    namespaces: [],
    borrowsMemory: true,
    pid: stamps.pid,
    why: 'create the process that becomes QEMU',
  });
  cloned.toParent(parent);

  stamps.stamp('spawned', 't1: the process exists');
  const become = (fd: Word, number: number, what: string) =>
    b.step('dup3', [fd, number, 0], `${what} is descriptor ${number}`);
  become(open.input, 0, 'nothing to read');
  become(open.qemu, 1, 'what QEMU says');
  become(open.qemu, 2, 'what QEMU complains about');
  become(open.stdout, FD.stdout, "the program's output");
  become(open.stderr, FD.stderr, "the program's errors");
  become(open.console, FD.console, "the guest's console");
  become(open.marksWrite, FD.marks, "the guest's marks");
  become(open.held, FD.held, 'the sign that QEMU lives');
  b.step('setsid', [], 'a session of its own');
  unblockSignals(b);
  tie.child();
  const closeOnExec = num(4, 'CLOSE_RANGE_CLOEXEC');
  b.step('close_range', [3, FD.stdout - 1, closeOnExec], 'hand no other descriptor on');
  b.step('close_range', [FD.held + 1, num(0xffffffff, '~0'), closeOnExec], 'neither above them');
  const envp = b.stringArray(
    Object.entries(qemu.env).map(([name, value]) => `${name}=${value}`),
    'envp',
  );
  b.step('execve', [b.str(qemu.path), b.stringArray([qemu.path, ...qemu.args], 'argv'), envp], 'become QEMU', {
    hint: `check that ${qemu.path} is executable`,
  });

  b.place(parent);
  b.step('close', [open.marksWrite], 'only QEMU writes marks: its end is the end of the pipe');
  awaitMark(b, open.marksRead, 'wait for the first sign of the guest');
  stamps.stamp('rooted', 't2: the guest is up');
  awaitMark(b, open.marksRead, 'wait for the word that the program is about to run');
  stamps.stamp('exec', 't3: the program is about to run');
  if (files.ready === 'first-byte') awaitOutput(b, stamps, open);
  b.step('read', [open.marksRead, stamps.exit, EXIT_RECORD_BYTES], 'wait for the word how the program ended', {
    accept: [EXIT_RECORD_BYTES, EXIT_RECORD_BYTES],
    retryOnEintr: true,
  });
  stamps.stamp('exited', 't6: it has ended');
  b.step('waitid', [flags('P_PIDFD'), cloned.pidfd, 0, flags('WEXITED'), 0], "wait for QEMU's end and reap it", {
    retryOnEintr: true,
  });
  stamps.stamp('clean', 't7: QEMU is gone');
  return b.build();
}

function awaitMark(b: PlanBuilder, marks: Word, why: string): void {
  const mark: Addr = b.space(8, 'mark');
  b.step('read', [marks, mark, 1], why, { accept: [1, 1], retryOnEintr: true });
}

interface Open {
  input: Word;
  qemu: Word;
  stdout: Word;
  stderr: Word;
  console: Word;
  held: Word;
  watch: Word;
  marksRead: Word;
  marksWrite: Word;
}

function openFiles(b: PlanBuilder, files: VmFiles): Open {
  const at = flags('AT_FDCWD');
  const create = flags('O_WRONLY', 'O_CREAT', 'O_TRUNC', 'O_CLOEXEC');
  const file = (path: string, name: string, why: string): Word => {
    const fd = b.word(name);
    b.step('openat', [at, b.str(path), create, num(0o600, '0600')], why, { result: fd });
    return fd;
  };
  const input = b.word('input');
  b.step('openat', [at, b.str('/dev/null'), flags('O_RDONLY', 'O_CLOEXEC')], 'nothing to read', { result: input });
  const stdout = file(files.stdoutPath, 'output', 'a file for the output of the program');
  const stderr = file(files.stderrPath, 'error', 'a file for its errors');
  const console_ = file(files.consolePath, 'console', "a file for the guest's console");
  const qemu = file(files.qemuPath, 'qemu', 'a file for what QEMU says');
  const fifo = num(0o010600, 'S_IFIFO|0600');
  b.step('mknodat', [at, b.str(files.signalsPath), fifo, 0], 'a way for signals into the guest');
  const held = b.word('held');
  const both = flags('O_RDWR', 'O_CLOEXEC');
  b.step('openat', [at, b.str(files.signalsPath), both], 'held open: who reads it learns when we are gone', {
    result: held,
  });
  const watch = b.word('watch');
  b.step('inotify_init1', [flags('IN_CLOEXEC', 'IN_NONBLOCK')], 'watch for changes', { result: watch });
  b.step('inotify_add_watch', [watch, b.str(files.stdoutPath), flags('IN_MODIFY')], 'of the output file');
  const pipe = b.space(8, 'marks[2]');
  b.step('pipe2', [pipe, flags('O_CLOEXEC')], "a pipe for the guest's marks");
  const marksRead = b.field(pipe, 0, 'w32', 'marks[0]');
  const marksWrite = b.field(pipe, 4, 'w32', 'marks[1]');
  return { input, qemu, stdout, stderr, console: console_, held, watch, marksRead, marksWrite };
}

/** Waits for the first output or the exit record, whichever is first; stamps t4 and sends the note if it was output. */
function awaitOutput(b: PlanBuilder, stamps: Stamps, open: Open): void {
  const ended = label('ended');
  const event = b.space(64, 'event');
  const poll = b.data(words32(WATCH_FD, 1, MARKS_FD, 1), '{output, marks}');
  b.step('dup3', [open.watch, WATCH_FD, flags('O_CLOEXEC')], 'the two things to wait for');
  b.step('dup3', [open.marksRead, MARKS_FD, flags('O_CLOEXEC')], 'by numbers known beforehand');
  b.step('ppoll', [poll, 2, 0, 0, 8], 'wait for output or for the end', { retryOnEintr: true });
  b.step('read', [open.watch, event, 64], 'was it output?', { tolerate: ['EAGAIN'], jump: ended });
  stamps.stamp('firstByte', 't4: the first byte has arrived');
  stamps.send('tell the client that it is ready');
  b.place(ended);
}
