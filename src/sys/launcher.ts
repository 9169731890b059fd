/**
 * The client of the resident launcher: a vlab-init that forks a performer for each connection, so that a timed start
 * costs no spawn from Node. It outlives the Node process; the next vlab of the same version finds it by its socket.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, VlabError } from '../base/errors.js';
import { privateDir, runDir } from '../base/paths.js';
import { flags, hostArch } from './abi.js';
import { type Performance, perform } from './channel.js';
import { cloneProcess } from './clone.js';
import { initVersion, nativeBinary } from './native.js';
import { performOnce } from './perform-once.js';
import { label, type Plan, PlanBuilder } from './plan.js';

/**
 * The launcher's private directory. Its name carries the version, so that two versions of vlab never meet, and the namespaces of
 * this process: a launcher only serves its own (`peer_ok` of vlab-init.c), and a command in others gets one of theirs.
 */
export function launcherDir(): string {
  const version = initVersion().toString(16).padStart(16, '0').slice(0, 8);
  return join(runDir(), `launcher-${version}-${namespacesDigest()}`);
}

const NAMESPACES = ['user', 'mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup'];

/** Eight characters: a socket's path has little room. */
function namespacesDigest(): string {
  const links = NAMESPACES.map((name) => readlinkSync(`/proc/self/ns/${name}`));
  return createHash('sha256').update(links.join()).digest('hex').slice(0, 8);
}

/**
 * The plan that starts a launcher: a child in a session of its own, in a cgroup of its own, with nothing of its caller but
 * the user.
 */
export function launcherPlan(front: string, dir: string, cgroupProcs: readonly string[]): Plan {
  const b = new PlanBuilder(hostArch());
  const parent = label('parent');
  const fd = b.word('fd');
  cloneProcess(b, { namespaces: [], why: 'start the launcher' }).toParent(parent);
  b.step('setsid', [], 'leave the terminal and the session of the caller');
  const zero = b.str('0');
  for (const path of cgroupProcs) {
    b.step('openat', [flags('AT_FDCWD'), b.str(path), flags('O_WRONLY', 'O_CLOEXEC')], 'open a cgroup of its own', {
      result: fd,
    });
    b.step('write', [fd, zero, 1], 'join it');
  }
  b.step('openat', [flags('AT_FDCWD'), b.str('/dev/null'), flags('O_RDWR', 'O_CLOEXEC')], 'nothing to read or write', {
    result: fd,
  });
  for (const std of [0, 1, 2]) b.step('dup3', [fd, std, 0], 'become a standard descriptor', { accept: [std, std] });
  b.step('close_range', [3, 0xffffffff, 0], 'keep no other descriptor');
  b.step(
    'execve',
    [b.str(front), b.stringArray(['vlab-init', 'serve', dir], 'argv'), b.stringArray([], 'envp')],
    'run the launcher',
  );
  b.place(parent);
  b.step('getpid', [], 'nothing more to do');
  return b.build();
}

export interface Launcher {
  /** Sends a plan; it is performed at once, beside others. */
  perform(plan: Plan): Promise<Performance>;
}

const START_DEADLINE_MS = 5000;

/**
 * A running launcher, started if need be. `cgroupProcs`: the cgroup.procs files of the cgroups that a new one joins.
 * Error (`operation`): none answers within 5 s.
 */
export async function launcher(cgroupProcs: readonly string[]): Promise<Launcher> {
  const dir = privateSubdir();
  const path = join(dir, 'launcher.sock');
  const dial = async () => (await tryConnect(path)) ?? (await startAndConnect(path, dir, cgroupProcs));
  const ahead = new AheadConnection(await dial());
  const version = initVersion();
  return {
    async perform(plan) {
      const performance = perform(ahead.take() ?? (await dial()), plan, version);
      // The next one is made when nothing is being timed any more.
      const next = async () => ahead.keep(await tryConnect(path));
      performance.ended.then(next, next).catch(() => {}); // without one, the next start dials itself
      return performance;
    },
  };
}

/**
 * The launcher forks a performer for each connection. One connection is kept ahead of the next start, so that a plan finds
 * its performer waiting. It never keeps this process alive.
 */
class AheadConnection {
  private waiting: Socket | undefined;

  constructor(first: Socket) {
    this.keep(first);
  }

  keep(socket: Socket | undefined): void {
    if (!socket || this.waiting) {
      socket?.destroy();
      return;
    }
    this.waiting = socket;
    socket.unref();
    socket.resume(); // or the end of a launcher that dies meanwhile would go unseen
    socket.on('error', ignore);
    socket.once('close', () => {
      if (this.waiting === socket) this.waiting = undefined;
    });
  }

  /** The connection, for one plan; undefined when there is none, or its launcher has ended. */
  take(): Socket | undefined {
    const socket = this.waiting;
    this.waiting = undefined;
    if (!socket || socket.destroyed || socket.readableEnded) return undefined;
    socket.off('error', ignore);
    return socket.ref();
  }
}

function ignore(): void {}

function privateSubdir(): string {
  privateDir(runDir());
  return privateDir(launcherDir());
}

/**
 * The pid of the launcher of `dir` (default: of this version), or undefined when none runs: it holds its lock for as long
 * as it lives. Nothing is asked of it, so no performer is forked.
 */
export function launcherPid(dir: string = launcherDir()): number | undefined {
  const lock = join(dir, 'launcher.lock');
  return existsSync(lock) ? lockHolder(lock) : undefined;
}

/** Who holds a lock of fcntl(2) on `path`, by /proc/locks (proc_locks(5)): inode → pid. */
function lockHolder(path: string): number | undefined {
  const { ino } = statSync(path);
  for (const line of readFileSync('/proc/locks', 'utf8').split('\n')) {
    const [, type, , , pid, place] = line.split(/\s+/);
    if (type === 'POSIX' && place?.endsWith(`:${ino}`)) return Number(pid);
  }
  return undefined;
}

async function startAndConnect(path: string, dir: string, cgroupProcs: readonly string[]): Promise<Socket> {
  await performOnce(launcherPlan(await nativeBinary('vlab-front'), dir, cgroupProcs));
  // bind and listen follow within a millisecond; nothing is being timed here.
  for (const began = Date.now(); Date.now() - began < START_DEADLINE_MS; await sleep(2)) {
    const socket = await tryConnect(path);
    if (socket) return socket;
  }
  throw new VlabError('operation', `the launcher did not answer at ${path} within ${START_DEADLINE_MS / 1000} s`, {
    hint: 'run `vlab clean`, then try again',
  });
}

/** A connected socket, or undefined when nobody listens. */
async function tryConnect(path: string): Promise<Socket | undefined> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return socket;
  } catch (error) {
    socket.destroy();
    if (['ENOENT', 'ECONNREFUSED'].includes(errnoOf(error) ?? '')) return undefined;
    throw new VlabError('host', `cannot reach the launcher at ${path}`, { cause: error });
  }
}
