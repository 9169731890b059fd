/**
 * The plan of one timed start: whatever the technology, the performer makes the output files, clones the payload (or
 * the peer's command, or QEMU), stamps the checkpoints by one clock, waits for the first output and the end, and reaps.
 * Node is not involved between the request and the note that the payload is ready. Pure.
 */
import { flags } from '../sys/abi.js';
import { attached, unblockSignals } from '../sys/attached.js';
import { type Cloned, cloneProcess } from '../sys/clone.js';
import { words32 } from '../sys/encode.js';
import { num } from '../sys/num.js';
import { type Addr, label, type Plan, PlanBuilder, type Word } from '../sys/plan.js';
import { Stamps } from '../sys/stamps.js';

/** What a technology adds to the observed start. */
export interface Arm {
  /** In the parent: what must exist before the clone, and the clone itself (`toParent` adds it). Default: a plain clone. */
  create?(pid: Word): Cloned;
  /** The child's steps; `stamps.stamp('rooted', …)` where its root has changed. */
  enter?(): void;
  /** The child's last steps before exec, when no other change of credentials follows. */
  drop?(): void;
  /** What confines the program, a part of its start like the rest; the calls that follow must be allowed by it. */
  confine?(): void;
  exec(): void;
  /** What is exec'ed is a peer's command, which starts the payload where nobody sees it: there is no t3. */
  peer?: true;
  /** In the parent, the first steps behind the clone. */
  adopt?(): void;
  /** In the parent, after the payload was reaped: cgroups and the like. */
  after?(): void;
}

export interface ObserveOptions {
  stdoutPath: string;
  stderrPath: string;
  /** `first-byte`: the note is sent when output arrives. `exit`: only the end counts. */
  ready: 'first-byte' | 'exit';
}

export type ArmFactory = (b: PlanBuilder, stamps: Stamps) => Arm;

export function observedPlan(arch: PlanBuilder['arch'], factory: ArmFactory, options: ObserveOptions): Plan {
  const b = new PlanBuilder(arch);
  const stamps = new Stamps(b);
  const arm = factory(b, stamps);
  const parent = label('parent');
  const tie = attached(b);
  b.step('umask', [num(0o022, '022')], 'the same file mode mask for every arm');
  const { input, output, error, watch } = openFiles(b, options);
  tie.before();
  const cloned =
    arm.create?.(stamps.pid) ??
    cloneProcess(b, { namespaces: [], borrowsMemory: true, pid: stamps.pid, why: 'create the process' });
  cloned.toParent(parent);

  stamps.stamp('spawned', 't1: the process exists');
  [input, output, error].forEach((fd, number) => {
    b.step('dup3', [fd, number, 0], `make it descriptor ${number}`);
  });
  arm.enter?.();
  b.step('setsid', [], 'a session of its own');
  unblockSignals(b);
  arm.drop?.();
  tie.child();
  b.step('close_range', [3, num(0xffffffff, '~0'), num(4, 'CLOSE_RANGE_CLOEXEC')], 'hand no descriptor on');
  arm.confine?.();
  if (!arm.peer) stamps.stamp('exec', 't3: the program is about to run');
  arm.exec();

  b.place(parent);
  arm.adopt?.();
  if (options.ready === 'first-byte') awaitOutput(b, stamps, watch, cloned.pidfd);
  stamps.reapWhenDone(cloned.pidfd);
  arm.after?.();
  stamps.stamp('clean', 't7: reaped, and what was made for it is gone');
  return b.build();
}

function openFiles(b: PlanBuilder, { stdoutPath, stderrPath }: ObserveOptions) {
  const at = flags('AT_FDCWD');
  const create = flags('O_WRONLY', 'O_CREAT', 'O_TRUNC', 'O_CLOEXEC');
  const mode = num(0o600, '0600');
  const [input, output, error, watch] = ['input', 'output', 'error', 'watch'].map((name) => b.word(name)) as [
    Word,
    Word,
    Word,
    Word,
  ];
  b.step('openat', [at, b.str('/dev/null'), flags('O_RDONLY', 'O_CLOEXEC')], 'nothing to read', { result: input });
  b.step('openat', [at, b.str(stdoutPath), create, mode], 'a file for its output', { result: output });
  b.step('openat', [at, b.str(stderrPath), create, mode], 'a file for its errors', { result: error });
  b.step('inotify_init1', [flags('IN_CLOEXEC', 'IN_NONBLOCK')], 'watch for changes', { result: watch });
  b.step('inotify_add_watch', [watch, b.str(stdoutPath), flags('IN_MODIFY')], 'of the output file');
  return { input, output, error, watch };
}

/** Waits for the first output or the end, whichever is first; stamps t4 and sends the note if it was output. */
function awaitOutput(b: PlanBuilder, stamps: Stamps, watch: Word, pidfd: Word): void {
  const ended = label('ended');
  const event = b.space(64, 'event');
  // Two struct pollfd; the descriptors are known only when the plan runs, so they get fixed numbers first.
  const poll = b.data(words32(WATCH_FD, 1, PIDFD_FD, 1), '{output, end}');
  b.step('dup3', [watch, WATCH_FD, flags('O_CLOEXEC')], 'the two things to wait for');
  b.step('dup3', [pidfd, PIDFD_FD, flags('O_CLOEXEC')], 'by numbers known beforehand');
  b.step('ppoll', [poll, 2, 0, 0, 8], 'wait for output or for the end', { retryOnEintr: true });
  b.step('read', [watch, event, 64], 'was it output?', { tolerate: ['EAGAIN'], jump: ended });
  stamps.stamp('firstByte', 't4: the first byte has arrived');
  stamps.send('tell the client that it is ready');
  b.place(ended);
}

const WATCH_FD = 1003;
const PIDFD_FD = 1004;

/** exec of a program of the host, with the job's environment. */
export function execHost(
  b: PlanBuilder,
  path: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): void {
  const envp: Addr = b.stringArray(
    Object.entries(env).map(([name, value]) => `${name}=${value}`),
    'envp',
  );
  b.step('execve', [b.str(path), b.stringArray(argv, 'argv'), envp], `run ${path}`, {
    hint: `check that ${path} exists and is executable`,
  });
}
