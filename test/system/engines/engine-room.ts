/**
 * A room for an engine: namespaces of its own on this machine, where it finds nothing but what it brings and keeps
 * everything in memory. So engines can be configured, started and killed as on a machine of their own, in the directories
 * that they have by default, and what they leave is gone with the room. What vlab-oci leaves in it is looked for before
 * (leftovers.ts).
 *
 * /etc, /opt, /var and /usr/local are the machine's, with changes in memory; /run, /dev/shm and the engines' stores are
 * new. Processes, network, IPC and names are the room's own. Cgroups are the machine's: everything goes below one of the
 * room's name.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { execa } from 'execa';
import { readCgroupLayout } from '../../../src/host/cgroup-layout.js';
import { removeCgroup } from '../../../src/sys/remove-cgroup.js';
import { childrenOf } from '../sys/own-launcher.js';

const PREPARE = `
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -m 755 /run/room /run/lock /run/netns
mkdir -m 1777 /run/room/tmp
for place in etc opt var usr/local; do
  mkdir -p /run/changed/$place /run/work/$place
  mount -t overlay -o lowerdir=/$place,upperdir=/run/changed/$place,workdir=/run/work/$place overlay /$place
done
for store in containers containerd docker; do
  mkdir -p /var/lib/$store
  mount -t tmpfs -o mode=711 tmpfs /var/lib/$store
done
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount --bind /run/netns /run/netns && mount --make-shared /run/netns
ip link set lo up
echo ready
while read -r word; do :; done
`;

const NAMESPACES = ['--mount', '--pid', '--net', '--ipc', '--uts'];

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

export interface RoomOptions {
  input?: string;
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  /** Who runs it, by setpriv(1). Default: root. */
  user?: { uid: number; gid: number };
  timeoutMs?: number;
}

export class EngineRoom implements AsyncDisposable {
  /** Below it are all cgroups of the room, in every hierarchy; a cgroupsPath. */
  readonly cgroup = `/vlab-room-${randomBytes(4).toString('hex')}`;

  private constructor(
    private readonly holder: ChildProcess,
    /** Its first process, as the machine sees it. */
    readonly pid: number,
  ) {}

  static async start(): Promise<EngineRoom> {
    const args = [...NAMESPACES, '--fork', '--kill-child', '--mount-proc', '--', 'bash', '-c', PREPARE];
    const holder = spawn('unshare', args, { stdio: ['pipe', 'pipe', 'inherit'], cwd: '/' });
    const { value: line } = await createInterface(holder.stdout as Readable)
      [Symbol.asyncIterator]()
      .next();
    if (line !== 'ready') throw new Error('the room could not be made');
    const [pid = 0] = childrenOf(holder.pid ?? 0);
    return new EngineRoom(holder, pid);
  }

  /** That cgroup, in every hierarchy. */
  cgroupDirectories(): string[] {
    const { controllers, named, unified } = readCgroupLayout();
    const hierarchies = [...Object.values(controllers), ...Object.values(named), ...(unified ? [unified] : [])];
    return [...new Set(hierarchies.map(({ mountPoint }) => join(mountPoint, this.cgroup)))];
  }

  /** A path of the room, as the machine sees it. */
  outside(path: string): string {
    return join(`/proc/${this.pid}/root`, path);
  }

  write(path: string, content: string | Uint8Array, mode = 0o644): string {
    mkdirSync(dirname(this.outside(path)), { recursive: true });
    writeFileSync(this.outside(path), content);
    chmodSync(this.outside(path), mode);
    return path;
  }

  append(path: string, content: string): void {
    appendFileSync(this.outside(path), content);
  }

  /** Runs a command to its end; stops it when that takes too long. */
  async run(words: readonly string[], options: RoomOptions = {}): Promise<Ended> {
    const { command, args, env, cwd } = this.within(words, options);
    const ran = await execa(command, args, {
      cwd,
      env,
      extendEnv: false,
      reject: false,
      stripFinalNewline: false,
      timeout: options.timeoutMs ?? 30_000,
      ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    });
    const stderr = ran.timedOut ? `${ran.stderr}\n${words.join(' ')} did not end in time` : ran.stderr;
    return { code: ran.exitCode ?? 255, stdout: ran.stdout, stderr };
  }

  /** Standard output of a command that must end with 0. */
  async ask(words: readonly string[], options: RoomOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(words, options);
    if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}: ${stderr || stdout}`);
    return stdout.trimEnd();
  }

  /** Runs a command upon a terminal of its own, with 40 rows and 100 columns. */
  async onTerminal(words: readonly string[], options: RoomOptions = {}): Promise<Ended> {
    const quoted = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
    const script = `stty rows 40 cols 100; ${quoted}`;
    const ran = await this.run(['script', '--quiet', '--return', '--command', script, '/dev/null'], options);
    return { ...ran, stdout: ran.stdout.replaceAll('^@', '') }; // how script(1) passes on that its own input has ended
  }

  /** A process that stays; what it says goes to the file `log` of the room. */
  async stay(words: readonly string[], log: string, options: RoomOptions = {}): Promise<Staying> {
    const { command, args, env, cwd } = this.within(['sh', '-c', `exec "$@" >${log} 2>&1`, 'sh', ...words], options);
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'ignore', 'inherit'] });
    return new Staying(child, () => this.run(['cat', log]).then(({ stdout }) => stdout));
  }

  private within(words: readonly string[], { env = {}, cwd = '/', user }: RoomOptions) {
    const drop = user ? ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--'] : [];
    // nsenter starts in the room's root.
    const inside = cwd === '/' ? words : ['sh', '-c', 'cd "$0" && exec "$@"', cwd, ...words];
    const { PATH = '', HOME = '/root', VLAB_CACHE_DIR } = process.env;
    return {
      command: 'nsenter',
      args: ['--target', String(this.pid), ...NAMESPACES, '--', ...drop, ...inside],
      cwd: '/',
      env: {
        PATH,
        HOME,
        TERM: 'xterm',
        TMPDIR: '/run/room/tmp',
        ...(VLAB_CACHE_DIR ? { VLAB_CACHE_DIR } : {}),
        VLAB_RUN_DIR: '/run/vlab',
        ...env,
      },
    };
  }

  /** Kills all that is in it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.holder.exitCode === null && this.holder.signalCode === null) {
      const exit = once(this.holder, 'exit');
      (this.holder.stdin as Writable).end();
      await exit;
    }
    for (const directory of this.cgroupDirectories()) await removeCgroup(directory);
  }
}

export class Staying {
  constructor(
    private readonly child: ChildProcess,
    readonly log: () => Promise<string>,
  ) {}

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** SIGTERM, and waits. nsenter(1) is in between, and passes nothing on: its only child is the process. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.ended) return;
    const exit = once(this.child, 'exit');
    const [pid] = childrenOf(this.child.pid ?? 0);
    process.kill(pid ?? this.child.pid ?? 0, signal);
    await exit;
  }
}
