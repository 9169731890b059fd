/**
 * A terminal for a container as steps: the child opens a pseudo-terminal in its own devpts and sends the master to its
 * parent, which gives it to vlab-relay (pty(7), ioctl_tty(2), unix(7) SCM_RIGHTS). Pure.
 */
import { VlabError } from '../../base/errors.js';
import { ABI, flags } from '../../sys/abi.js';
import { unblockSignals } from '../../sys/attached.js';
import { cloneProcess } from '../../sys/clone.js';
import { words32 } from '../../sys/encode.js';
import { num } from '../../sys/num.js';
import { type Addr, label, type PlanBuilder, type Word } from '../../sys/plan.js';
import { connectUnix, descriptorMessage, SUN_PATH_BYTES } from '../../sys/unix-socket.js';
import { OPEN_HOW_BYTES, withinRoot } from './within-root.js';

export interface TerminalSteps {
  /** In the parent, before the clone. */
  before(): void;
  /** In the child, in a session of its own, when its root has changed. `pts`, `dev`: descriptors of those directories. */
  child(pts: Word, dev: Word): void;
  /** In the parent: takes the master and starts the relay. */
  relay(): void;
  /** In the parent, after the container was reaped: waits until the relay has carried everything. */
  finish(): void;
}

/** `relayPath`: the compiled vlab-relay. */
export function terminalSteps(b: PlanBuilder, relayPath: string): TerminalSteps {
  const pair = terminalPair(b);
  let relayPidfd: Word | undefined;
  return {
    before: () => pair.before(),
    child: (pts, dev) => openTerminal(b, { pts, dev, socket: pair.childEnd }),
    relay() {
      const parent = label('relayed');
      const terminal = pair.receive();
      const cloned = cloneProcess(b, { namespaces: [], why: 'create the relay' });
      relayPidfd = cloned.pidfd;
      cloned.toParent(parent);
      unblockSignals(b);
      b.step('dup3', [terminal, RELAY_FD, 0], 'the terminal, where the relay looks for it');
      b.step('close_range', [RELAY_FD + 1, num(0xffffffff, '~0'), 0], 'nothing else');
      b.step(
        'execve',
        [b.str(relayPath), b.stringArray(['vlab-relay'], 'argv'), b.stringArray([], 'envp')],
        'run the relay',
      );
      b.place(parent);
      b.step('close', [terminal], 'the relay has it now');
    },
    finish() {
      if (!relayPidfd) throw new RangeError('the relay was never started');
      const info = b.space(128, 'siginfo');
      b.step('waitid', [flags('P_PIDFD'), relayPidfd, info, flags('WEXITED'), 0], 'until all output was carried', {
        retryOnEintr: true,
      });
    },
  };
}

export interface TerminalPair {
  childEnd: Word;
  /** In the parent, before the clone. */
  before(): void;
  /** In the parent: the terminal's other side. */
  receive(): Word;
}

/** A way for a terminal from the container's first process to its parent. */
export function terminalPair(b: PlanBuilder): TerminalPair {
  const sockets = b.space(8, 'sockets[2]');
  const parentEnd = b.field(sockets, 0, 'w32', 'sockets[0]');
  const childEnd = b.field(sockets, 4, 'w32', 'sockets[1]');
  const received = terminalMessage(b, '{one descriptor}');
  return {
    childEnd,
    before() {
      const kind = flags('SOCK_STREAM', 'SOCK_CLOEXEC');
      b.step('socketpair', [flags('AF_UNIX'), kind, 0, sockets], 'a way for the terminal to come back');
    },
    receive() {
      b.step('close', [childEnd], 'leave that end to the container');
      b.step('recvmsg', [parentEnd, received.message, flags('MSG_CMSG_CLOEXEC')], 'take the terminal', {
        accept: [1, 1],
        retryOnEintr: true,
      });
      return { ...received.descriptor, kind: 'w32' };
    },
  };
}

/**
 * In the container's first process: a new terminal of its devpts becomes its standard descriptors, its controlling terminal
 * and its /dev/console; the other side is sent over `socket`. `size`: columns and rows, else those of the caller's window.
 */
export function openTerminal(
  b: PlanBuilder,
  { pts, dev, socket, size }: { pts: Word; dev?: Word; socket: Word; size?: { width: number; height: number } },
): void {
  const slave = b.word('slave');
  const sent = terminalMessage(b, '{master}', 'terminal');
  // Without a devpts of its own, the directory is the image's, or a volume.
  const how = withinRoot(b, flags('O_RDWR', 'O_NOCTTY', 'O_CLOEXEC'));
  b.step('openat2', [pts, b.str('ptmx'), how, OPEN_HOW_BYTES], "open a new terminal in the container's devpts", {
    result: sent.descriptor,
  });
  const master: Word = { ...sent.descriptor, kind: 'w32' };
  b.step('ioctl', [master, flags('TIOCSPTLCK'), b.data(words32(0), '{0}')], 'unlock it');
  b.step('ioctl', [master, flags('TIOCGPTPEER'), flags('O_RDWR', 'O_NOCTTY')], "open the program's side of it", {
    result: slave,
  });
  if (size === undefined) copyWindowSize(b, slave);
  else {
    const winsize = b.data(
      words32((size.width << 16) | size.height, 0),
      `{${size.height} rows, ${size.width} columns}`,
    );
    b.step('ioctl', [slave, flags('TIOCSWINSZ'), winsize], 'give it the size that was asked for');
  }
  b.step('ioctl', [slave, flags('TIOCSCTTY'), 0], 'control the session by it');
  for (const std of [0, 1, 2]) b.step('dup3', [slave, std, 0], `make it descriptor ${std}`);
  if (dev !== undefined) showConsole(b, slave, dev);
  b.step('sendmsg', [socket, sent.message, flags('MSG_NOSIGNAL')], 'send the other side to the parent', {
    accept: [1, MAX_TERMINAL_NAME_BYTES],
  });
  b.step('close', [master], 'and keep none of it');
  b.step('close', [slave], 'the standard descriptors are enough');
}

function showConsole(b: PlanBuilder, slave: Word, dev: Word): void {
  const tree = b.word('tree');
  const console = b.str('console');
  b.step('mknodat', [dev, console, num(ABI.S_IFREG | 0o600, 'f600'), 0], 'make a place for /dev/console', {
    tolerate: ['EEXIST'],
  });
  const how = flags('OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC', 'AT_EMPTY_PATH');
  b.step('open_tree', [slave, b.str(''), how], 'take the terminal once more', { result: tree });
  b.step('move_mount', [tree, b.str(''), dev, console, flags('MOVE_MOUNT_F_EMPTY_PATH')], 'and show it there');
}

/**
 * The size of the caller's window, if it has one, so that the program sees it from its first moment on; vlab-relay passes
 * changes on. struct winsize of ioctl_tty(2).
 */
function copyWindowSize(b: PlanBuilder, slave: Word): void {
  const size = b.space(8, 'size');
  for (const [fd, name] of [
    [1, 'output'],
    [0, 'input'],
  ] as const) {
    b.step(
      'ioctl',
      [fd, flags('TIOCGWINSZ'), { ...size, text: '&size' }],
      `the size of the window that is its ${name}`,
      {
        tolerate: ['ENOTTY', 'EINVAL', 'EBADF', 'EIO'],
      },
    );
  }
  b.step('ioctl', [slave, flags('TIOCSWINSZ'), size], 'is its own too');
}

/** Where vlab-relay looks for the pseudo-terminal. */
const RELAY_FD = 3;

/** What is sent beside the descriptor; who receives it may want a name (crun and runc send the terminal's). */
const MAX_TERMINAL_NAME_BYTES = 16;

function terminalMessage(b: PlanBuilder, shown: string, name = ' '): { message: Addr; descriptor: Word } {
  const bytes = Buffer.from(name.padEnd(8).slice(0, MAX_TERMINAL_NAME_BYTES));
  return descriptorMessage(b, { text: b.data(bytes, JSON.stringify(name)), bytes: name.length, shown });
}

/** `--console-socket`: who takes the terminal. Error (`input`): the path is too long for a socket. */
export function connectConsole(b: PlanBuilder, path: string): Word {
  if (Buffer.byteLength(path) >= SUN_PATH_BYTES) {
    throw new VlabError('input', `the path of the console socket is longer than ${SUN_PATH_BYTES - 1} bytes: ${path}`);
  }
  return connectUnix(b, path, 'who takes the terminal', {
    hint: 'the caller must listen at the path that it gives to --console-socket',
  });
}
