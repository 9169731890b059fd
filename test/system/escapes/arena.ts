/**
 * The outer container in which attacks are tried, on vlab and on its flawed twins: a root of its own with canaries, namespaces
 * and limits of its own. It is made by unshare(1) and a script: what is under test does not guard itself. Needs root.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CgroupPlace } from '../../../src/container/cgroup/places.js';
import { defaultConfig } from '../../../src/container/config/default-config.js';
import type { OciConfig } from '../../../src/container/config/schema.js';
import { readPid } from '../../../src/container/conversation.js';
import { type CreateOptions, createPlan } from '../../../src/container/create-plan.js';
import { execPlan } from '../../../src/container/exec-plan.js';
import { runPlan } from '../../../src/container/run-plan.js';
import { readSituation, type Situation } from '../../../src/container/situation.js';
import { withFilter } from '../../../src/container/situation-for.js';
import { AGREED } from '../../../src/sys/agreement.js';
import { perform } from '../../../src/sys/channel.js';
import { initVersion, nativeBinary } from '../../../src/sys/native.js';
import type { Plan } from '../../../src/sys/plan.js';
import { until } from '../sys/own-launcher.js';
import type { Flaw } from './flaw.js';

const MEMORY_BYTES = 256 * 2 ** 20;
const PROCESSES = 100;
const TIMEOUT_MS = 10_000;
export const SECRET = 'of the host';

export interface Attack {
  words: string[];
  /** What the configuration asks for besides the default. */
  asks?: ((config: OciConfig) => void) | undefined;
  /** The plan is this flawed. */
  flaw?: Flaw | undefined;
  /** The performer, if not vlab-front: words of the arena. */
  performer?: string[];
  /** It has a cgroup, with its limits. */
  cgroups?: boolean;
  situation?: Partial<Situation>;
}

export class Arena implements AsyncDisposable {
  private serial = 0;
  private constructor(
    private readonly child: ChildProcess,
    readonly pid: number,
    private readonly folder: string,
    private readonly cgroups: string[],
    private readonly situation: Situation,
  ) {}

  static async start(): Promise<Arena> {
    const folder = mkdtempSync('/run/vlab-arena-');
    const name = folder.split('/').at(-1) ?? '';
    const attacks = join(folder, 'escape');
    const compiled = spawnSync('cc', ['-static', '-O1', '-Wall', '-Werror', '-o', attacks, FIXTURE], {
      encoding: 'utf8',
    });
    if (compiled.status !== 0) throw new Error(compiled.stderr);
    for (const native of ['vlab-front', 'vlab-init', 'probe'] as const)
      copyFileSync(await nativeBinary(native), join(folder, native));
    const situation = readSituation(pathsOf(configOf(['true'])));
    const cgroups = situation.cgroups.map(({ root }) => join(root, name));
    for (const directory of cgroups) makeCgroup(directory);
    const joining = cgroups.map((directory) => `echo 0 > ${directory}/cgroup.procs`).join('; ');
    const namespaces = '--mount --pid --net --ipc --uts --fork --kill-child=SIGKILL --propagation private';
    const child = spawn('sh', ['-ec', `${joining}; exec unshare ${namespaces} sh -ec '${setUp(folder)}'`], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await Promise.race([
      once(child.stdout as Readable, 'data'),
      once(child, 'exit').then(() => Promise.reject(new Error('the arena could not be made'))),
    ]);
    const [pid] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ');
    const places = situation.cgroups.map((place): CgroupPlace => ({ ...place, parent: join(place.root, name) }));
    return new Arena(child, Number(pid), folder, cgroups, { ...situation, cgroups: places, files: undefined as never });
  }

  /** What a program of the arena says, outside of any container. */
  outside(...words: string[]): string {
    const target = ['--target', String(this.pid), '--mount', '--pid', '--root', '--wd'];
    return execFileSync('nsenter', [...target, '--', ...words], { encoding: 'utf8', timeout: TIMEOUT_MS }).trimEnd();
  }

  /** The path on the host of what is `path` in the arena. */
  at(path: string): string {
    return join('/proc', String(this.pid), 'root', path);
  }

  /** What the attack said. */
  async run(attack: Attack): Promise<string> {
    const config = configOf(attack.words, attack.asks);
    config.linux.cgroupsPath = `/vlab/attack-${this.serial++}`;
    const situation = await this.situationOf(config, attack);
    const { plan } = runPlan(config, situation);
    attack.flaw?.(plan);
    const { output, ended } = this.perform(plan, attack.performer);
    const { failure } = await ended;
    if (failure) return `refused: ${failure.message}`;
    return (await output).trimEnd();
  }

  /** A container with a first program that attacks, and another that is executed in it: what the first said. */
  async runAndExec(
    attack: Attack & { exec: string[]; execFlaw?: Flaw | undefined; waitMs?: number; execAsks?: Attack['asks'] },
  ) {
    const config = configOf(attack.words, attack.asks);
    const situation = await this.situationOf(config, attack);
    const none: CreateOptions = { preserved: [], ownedStdio: [], answersBorn: false, answersMounted: false };
    const cgroup = { cgroup: { directories: [] }, directories: [] } as never;
    const { plan } = createPlan(config, situation, cgroup, none);
    attack.flaw?.(plan);
    const first = this.perform(plan);
    const pid = await first.pid;
    first.answer();
    const begun = await first.ended;
    if (begun.failure) throw begun.failure;
    await until(() => first.said().includes('ready'), 'the attack is ready', TIMEOUT_MS);
    const again = structuredClone({ ...config, process: { ...config.process, args: attack.exec } });
    attack.execAsks?.(again);
    const joined = execPlan(again, situation, { pid, cgroupDirectories: [] }, { preserved: [], ownedStdio: [] });
    attack.execFlaw?.(joined);
    const second = this.perform(joined, attack.performer);
    await second.pid;
    await sleep(attack.waitMs ?? 0);
    second.answer();
    await second.ended.catch(() => {});
    return { first: (await first.output).trimEnd(), second: (await second.output).trimEnd() };
  }

  private async situationOf(config: OciConfig, { cgroups, situation }: Attack): Promise<Situation> {
    return withFilter(config, { ...this.situation, ...(cgroups ? {} : { cgroups: [] }), ...situation });
  }

  private perform(plan: Plan, performer: string[] = ['/vlab-front', 'perform']) {
    const joining = this.cgroups.map((directory) => `echo 0 > ${directory}/cgroup.procs`).join('; ');
    // Descriptor 4 is a directory of the arena that somebody left open.
    const enter = `exec nsenter --target ${this.pid} --mount --pid --net --ipc --uts --root --wd -- sh -c 'exec "$@" 4</' sh "$@"`;
    const child = spawn('sh', ['-c', `${joining}; ${enter}`, 'sh', ...performer], {
      stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
      env: {},
    });
    let said = '';
    const stdout = child.stdout as Readable;
    stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const performance = perform(child.stdio[3] as unknown as Socket, plan, initVersion());
    const pid = new Promise<number>((tell, fail) => {
      performance.onNote = (payload) => tell(readPid(payload));
      performance.ended.then(({ failure }) => failure && fail(failure), fail);
    });
    pid.catch(() => {});
    const output = (async () => {
      const late = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
      if (!stdout.readableEnded) await Promise.race([once(stdout, 'end'), sleep(TIMEOUT_MS)]);
      clearTimeout(late);
      return said;
    })();
    return {
      output,
      ended: performance.ended,
      pid,
      said: () => said,
      answer: () => performance.answer(AGREED),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    for (const directory of this.cgroups) await removeTree(directory);
    rmSync(this.folder, { recursive: true });
  }
}

/** Major and minor number of a device that does nothing when it is only opened, and that no container has. */
export const FOREIGN_DEVICE = ((): [number, number] => {
  for (const path of ['/dev/net/tun', '/dev/fuse', '/dev/loop-control']) {
    const { rdev } = statSync(path, { throwIfNoEntry: false }) ?? {};
    if (rdev !== undefined) return [rdev >> 8, rdev & 0xff];
  }
  return [10, 200];
})();

const FIXTURE = join(import.meta.dirname, '../../fixtures/escape.c');

function configOf(words: string[], asks?: Attack['asks']): OciConfig {
  const config = structuredClone(defaultConfig({ id: 'attack', rootfs: '/rootfs', command: words, env: {} }));
  asks?.(config);
  return config;
}

const pathsOf = ({ linux }: OciConfig) => [...linux.maskedPaths, ...linux.readonlyPaths];

function makeCgroup(directory: string): void {
  mkdirSync(directory);
  const files = readdirSync(directory);
  const limits = { 'memory.limit_in_bytes': MEMORY_BYTES, 'memory.max': MEMORY_BYTES, 'pids.max': PROCESSES };
  for (const file of files.includes('cgroup.controllers') ? [] : ['cpuset.cpus', 'cpuset.mems']) {
    if (files.includes(file)) writeFileSync(join(directory, file), readFileSync(join(directory, '..', file)));
  }
  for (const [file, value] of Object.entries(limits))
    if (files.includes(file)) writeFileSync(join(directory, file), String(value));
}

async function removeTree(directory: string): Promise<void> {
  for (const entry of readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) await removeTree(join(directory, entry.name));
  await until(
    () => {
      try {
        rmdirSync(directory);
        return true;
      } catch {
        return false;
      }
    },
    `${directory} can be removed`,
    5000,
  );
}

/** A root of nothing but what the attacks need, with the host's own nowhere to be seen. */
function setUp(folder: string): string {
  return `
r=${folder}/root; mkdir $r; mount -t tmpfs -o mode=755,size=64m arena $r; cd $r
mkdir proc sys dev dev/pts old host volume rootfs rootfs/proc rootfs/sys rootfs/dev rootfs/tmp rootfs/mnt
cp ${folder}/vlab-front ${folder}/vlab-init .; cp ${folder}/vlab-init runtime; cp ${folder}/probe ${folder}/escape rootfs/
for one in setuid capable inheriting; do cp rootfs/probe rootfs/$one; done; chmod 4755 rootfs/setuid
rootfs/escape file-capability rootfs/capable permitted >&2; rootfs/escape file-capability rootfs/inheriting inheritable >&2
mknod -m 666 rootfs/device c ${FOREIGN_DEVICE.join(' ')}; mknod -m 666 volume/zero c 1 5
echo "${SECRET}" > host/secret
mount -t proc proc proc; mount -t sysfs sysfs sys; mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts; ln -s pts/ptmx dev/ptmx
mount --rbind /sys/fs/cgroup sys/fs/cgroup
for one in null zero full random urandom tty; do cp -a /dev/$one dev/$one; done
mkdir usr; mount --rbind -o ro /usr usr
for one in bin lib lib64; do cp -a /$one . ; done
pivot_root . old; cd /; umount -l old; echo made; read end`
    .replaceAll('\n', '; ')
    .replace(/^; /, '');
}
