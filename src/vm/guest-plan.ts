/**
 * The plan that vlab-init performs as a guest's first process: make the system usable, open the channel to the host, run
 * one program with its standard descriptors on ports of their own, tell how it ended, power off. Pure.
 */
import { type Arch, flags } from '../sys/abi.js';
import { cloneProcess } from '../sys/clone.js';
import { words32 } from '../sys/encode.js';
import { num } from '../sys/num.js';
import { type Addr, label, type Plan, PlanBuilder, type Word } from '../sys/plan.js';
import {
  EXEC_RESULT_AT,
  EXIT_RECORD_BYTES,
  type GuestPortName,
  MAGIC_AT,
  MARK_EXEC,
  MARK_UP,
  portDevice,
  RECORD_MAGIC,
} from './guest-ports.js';
import { modulePath, ROOTFS } from './initramfs.js';

export interface GuestJob {
  /** argv; argv[0] is a path in the root file system. Empty: only show that the guest came up. */
  command: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd: string;
  hostname: string;
  /** Kernel modules in loading order, by name. */
  modules: readonly string[];
  /** Standard input comes from a port; otherwise it is /dev/null. */
  stdin: boolean;
  /** Signals arrive on a port. */
  signals: boolean;
  /**
   * Written behind the last byte of output and of errors, after which the guest waits for one byte on a port of its own: the
   * host has got everything (end-token.ts). Undefined where the host takes all at once, as a file does.
   */
  endToken: Uint8Array | undefined;
}

/** What a program finds in its environment unless told otherwise. */
export const DEFAULT_ENV: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
};

/** How many signals one start can take: plans only go forwards. */
export const MAX_SIGNALS = 32;
/** The kernel announces each port's node, and perhaps some others, before the last one. */
const MAX_ANNOUNCEMENTS = 24;
const NO_PORT_HINT = 'no virtio-serial port appeared: the kernel has no driver for the devices of this machine type';
const ANNOUNCEMENT_SECONDS = 10;
const WATCH_FD = 100;

export function guestPlan(arch: Arch, job: GuestJob): Plan {
  const b = new PlanBuilder(arch);
  const record = exitRecord(b);
  const watch = mountDevices(b);
  loadModules(b, job.modules);
  const marks = openMarks(b, watch);
  mark(b, marks, MARK_UP, 'tell the host: the guest is up');
  if (job.command.length > 0) {
    mountKernelFiles(b);
    switchRoot(b);
    const outputs = runProgram(b, job, marks, record);
    if (job.endToken) markEnds(b, outputs, job.endToken);
  }
  b.step('write', [marks, record.at, EXIT_RECORD_BYTES], 'tell the host how it ended', {
    accept: [EXIT_RECORD_BYTES, EXIT_RECORD_BYTES],
  });
  if (job.command.length > 0 && job.endToken) awaitDrained(b);
  b.step('sync', [], 'nothing stays unwritten');
  b.step(
    'reboot',
    [flags('LINUX_REBOOT_MAGIC1'), flags('LINUX_REBOOT_MAGIC2'), flags('LINUX_REBOOT_CMD_POWER_OFF'), 0],
    'power off',
  );
  return b.build();
}

interface ExitRecord {
  at: Addr;
  exec: Word;
}

function exitRecord(b: PlanBuilder): ExitRecord {
  // waitid fills only the first 28 bytes of a siginfo_t. The image is shared by both processes, so the results of the
  // child's steps are seen by the first process.
  const at = b.space(EXIT_RECORD_BYTES, 'exit record');
  b.put(at.offset + MAGIC_AT, RECORD_MAGIC, 64);
  return {
    at,
    exec: b.field(at, EXEC_RESULT_AT, 'w64', 'execResult'),
  };
}

function mountDevices(b: PlanBuilder): Word {
  const root = b.str(`/${ROOTFS}`);
  const dev = b.str(`/${ROOTFS}/dev`);
  const watch = b.word('watch');
  b.step(
    'mount',
    [root, root, 0, flags('MS_BIND'), 0],
    'make the root file system a mount, so that it can become the root',
  );
  b.step('mount', [b.str('devtmpfs'), dev, b.str('devtmpfs'), flags('MS_NOSUID', 'MS_NOEXEC'), 0], 'device nodes');
  b.step('inotify_init1', [flags('IN_CLOEXEC')], 'watch for new device nodes', { result: watch });
  b.step('inotify_add_watch', [watch, dev, flags('IN_CREATE')], 'in /dev');
  b.step('dup3', [watch, WATCH_FD, flags('O_CLOEXEC')], 'by a number known beforehand');
  return watch;
}

function loadModules(b: PlanBuilder, names: readonly string[]): void {
  const file = b.word('module');
  const none = b.str('');
  for (const name of names) {
    b.step('openat', [flags('AT_FDCWD'), b.str(modulePath(name)), flags('O_RDONLY', 'O_CLOEXEC')], `driver ${name}`, {
      result: file,
    });
    b.step('finit_module', [file, none, 0], `load it`, {
      tolerate: ['EEXIST'],
      hint: `the kernel refused its module ${name}: kernel and modules are of different builds, or only signed modules are allowed`,
    });
    b.step('close', [file], 'and close it');
  }
}

/** The ports' nodes appear some time after their driver was loaded: wait for the last one, without polling. */
function openMarks(b: PlanBuilder, watch: Word): Word {
  const marks = b.word('marks');
  const dev = (name: GuestPortName) => b.str(`/${ROOTFS}/dev/${portDevice(name)}`);
  const fence = dev('fence');
  const there = label('all ports');
  const look = flags('O_PATH', 'O_CLOEXEC');
  const seen = b.word('fence');
  const events = b.space(4096, 'events');
  const poll = b.data(words32(WATCH_FD, 1), '{watch, POLLIN}');
  const timeout = b.space(16, `{${ANNOUNCEMENT_SECONDS} s}`);
  b.put(timeout.offset, ANNOUNCEMENT_SECONDS, 64);
  for (let attempt = 0; attempt < MAX_ANNOUNCEMENTS; attempt++) {
    const absent = label(`not yet ${attempt}`);
    b.step('openat', [flags('AT_FDCWD'), fence, look], 'is the last port there?', {
      result: seen,
      tolerate: ['ENOENT'],
      jump: absent,
    });
    b.step('getpid', [], 'it is', { jump: there, jumpOn: 'positive' });
    b.place(absent);
    b.step('ppoll', [poll, 1, timeout, 0, 8], 'wait for a new device node', { accept: [1, 1], hint: NO_PORT_HINT });
    b.step('read', [watch, events, 4096], 'take note of it');
  }
  b.step('openat', [flags('AT_FDCWD'), fence, look], 'is the last port there?', { result: seen, hint: NO_PORT_HINT });
  b.place(there);
  b.step('close', [seen], 'nobody uses it');
  // The watch stays open: to close it the kernel waits for a grace period, before the host hears a word.
  b.step('openat', [flags('AT_FDCWD'), dev('marks'), flags('O_WRONLY', 'O_CLOEXEC')], 'open the channel to the host', {
    result: marks,
  });
  return marks;
}

function mark(b: PlanBuilder, marks: Word, value: string, why: string): void {
  b.step('write', [marks, b.str(value), 1], why, { accept: [1, 1] });
}

function mountKernelFiles(b: PlanBuilder): void {
  const plain = flags('MS_NOSUID', 'MS_NODEV', 'MS_NOEXEC');
  b.step('mount', [b.str('proc'), b.str(`/${ROOTFS}/proc`), b.str('proc'), plain, 0], 'processes');
  b.step('mount', [b.str('sysfs'), b.str(`/${ROOTFS}/sys`), b.str('sysfs'), plain, 0], 'devices and drivers');
  const dev = (name: string) => b.str(`/${ROOTFS}/dev/${name}`);
  b.step('mkdirat', [flags('AT_FDCWD'), dev('shm'), num(0o1777, '01777')], 'a place', { tolerate: ['EEXIST'] });
  const shared = b.str('mode=1777');
  b.step(
    'mount',
    [b.str('tmpfs'), dev('shm'), b.str('tmpfs'), flags('MS_NOSUID', 'MS_NODEV'), shared],
    'for shared memory',
  );
  b.step('mkdirat', [flags('AT_FDCWD'), dev('pts'), num(0o755, '0755')], 'a place', { tolerate: ['EEXIST'] });
  const pts = b.str('mode=0620,ptmxmode=0666');
  b.step(
    'mount',
    [b.str('devpts'), dev('pts'), b.str('devpts'), flags('MS_NOSUID', 'MS_NOEXEC'), pts],
    'for terminals',
    {
      tolerate: ['ENODEV'],
    },
  );
  for (const [name, target] of [
    ['fd', '/proc/self/fd'],
    ['stdin', '/proc/self/fd/0'],
    ['stdout', '/proc/self/fd/1'],
    ['stderr', '/proc/self/fd/2'],
  ] as const) {
    b.step('symlinkat', [b.str(target), flags('AT_FDCWD'), dev(name)], `/dev/${name}`, { tolerate: ['EEXIST'] });
  }
}

/** As switch_root(8) does: the root file system moves over the initramfs, so that nothing else is above it. */
function switchRoot(b: PlanBuilder): void {
  b.step('chdir', [b.str(`/${ROOTFS}`)], 'go to the root file system');
  b.step('mount', [b.str('.'), b.str('/'), 0, flags('MS_MOVE'), 0], 'move it over the first one');
  b.step('chroot', [b.str('.')], 'and make it the root');
  b.step('chdir', [b.str('/')], 'stand in it');
}

function runProgram(b: PlanBuilder, job: GuestJob, marks: Word, record: ExitRecord): [Word, Word] {
  b.step('sethostname', [b.str(job.hostname), Buffer.byteLength(job.hostname)], 'the host name');
  b.step('chdir', [b.str(job.cwd)], `go to the working directory ${job.cwd}`, {
    hint: 'make that directory in the root file system, or choose another with --workdir',
  });
  const open = (name: string, device: string, how: 'O_RDONLY' | 'O_WRONLY') => {
    const fd = b.word(name);
    b.step('openat', [flags('AT_FDCWD'), b.str(`/dev/${device}`), flags(how, 'O_CLOEXEC')], `open ${name}`, {
      result: fd,
    });
    return fd;
  };
  const stdin = open('stdin', job.stdin ? portDevice('stdin') : 'null', 'O_RDONLY');
  const stdout = open('stdout', portDevice('stdout'), 'O_WRONLY');
  const stderr = open('stderr', portDevice('stderr'), 'O_WRONLY');
  const standard = [stdin, stdout, stderr];
  const program = cloneProcess(b, {
    namespaces: [],
    borrowsMemory: true,
    pid: b.word('pid'),
    why: 'create the program’s process',
  });
  const parent = label('first process');
  program.toParent(parent);
  b.step('setsid', [], 'a session of its own');
  standard.forEach((fd, number) => {
    b.step('dup3', [fd, number, 0], `make it descriptor ${number}`);
  });
  b.step('umask', [num(0o022, '022')], 'file mode mask');
  mark(b, marks, MARK_EXEC, 'tell the host: the program is about to run');
  const argv = b.stringArray(job.command, 'argv');
  const envp = b.stringArray(
    Object.entries(job.env).map(([name, value]) => `${name}=${value}`),
    'envp',
  );
  b.step('execve', [b.str(job.command[0] ?? ''), argv, envp], 'run the program', { result: record.exec });
  b.place(parent);
  if (job.signals) passSignals(b, program.pid);
  b.step('waitid', [flags('P_PID'), program.pid, record.at, flags('WEXITED'), 0], 'wait for the program', {
    retryOnEintr: true,
  });
  return [stdout, stderr];
}

function markEnds(b: PlanBuilder, outputs: readonly Word[], token: Uint8Array): void {
  const at = b.data(token, 'end token');
  for (const fd of outputs) {
    b.step('write', [fd, at, token.length], `mark the end of ${fd.text}`, { accept: [token.length, token.length] });
  }
}

function awaitDrained(b: PlanBuilder): void {
  const port = b.word('drained');
  const byte = b.space(8, 'byte');
  const path = b.str(`/dev/${portDevice('drained')}`);
  b.step('openat', [flags('AT_FDCWD'), path, flags('O_RDONLY', 'O_CLOEXEC')], 'open the port for the host’s answer', {
    result: port,
  });
  b.step('read', [port, byte, 1], 'wait until the host has got all output');
}

/** A helper process that hands on what arrives: a plan cannot wait for two things and go back. */
function passSignals(b: PlanBuilder, pid: Word): void {
  const port = b.word('signals');
  const signal = b.space(8, 'signal');
  const value = b.field(signal, 0, 'w32', 'signal');
  const onward = label('goes on');
  cloneProcess(b, {
    namespaces: [],
    borrowsMemory: true,
    pid: b.word('helper'),
    why: 'create a helper that passes signals',
  }).toParent(onward);
  b.step(
    'openat',
    [flags('AT_FDCWD'), b.str(`/dev/${portDevice('signals')}`), flags('O_RDONLY', 'O_CLOEXEC')],
    'its port',
    {
      result: port,
    },
  );
  for (let count = 0; count < MAX_SIGNALS; count++) {
    b.step('read', [port, signal, 4], 'wait for a signal from the host', { accept: [4, 4] });
    b.step('kill', [pid, value], 'pass it to the program', { tolerate: ['ESRCH'] });
  }
  b.step('exit_group', [0], 'that is all it can take');
  b.place(onward);
}
