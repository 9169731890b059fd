/**
 * A container around the tests that do harm: file systems, processes, networks and cgroups of its own, and limits of memory
 * and processes. It is made by unshare(1) and a script, not by vlab: what is under test does not guard itself. Needs root.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'esbuild';
import { cacheDir } from '../../../src/base/paths.js';
import { nativeBinary } from '../../../src/sys/native.js';
import type { Machine } from '../../fixtures/oci/machine.js';
import type { Operations } from '../../fixtures/oci/outer-agent.js';
import type { Ran } from '../../fixtures/oci/run-command.js';

const ROOT = join(import.meta.dirname, '../../..');
const FIXTURES = join(ROOT, 'test/fixtures/oci');
/** The native runtime of `vlab oci install`, inside. */
export const NATIVE = ['/tools/vlab-oci'];
/** The same, where no planner is resident: each command starts one of its own. */
export const COLD = ['/tools/vlab-oci-cold'];
export const VLAB = [process.execPath, join(ROOT, 'bin/vlab.cjs')];
/** Where containers' states are, inside. */
export const STATE_ROOT = '/run/oci';
/** A root file system with /probe, inside; bundles are made beside it. */
export const ROOTFS = '/bundles/rootfs';

interface Hierarchy {
  name: string;
  type: string;
  options: string;
  mountPoint: string;
}

type Operation = keyof Operations;
type Argument<O extends Operation> = Parameters<Operations[O]>[0];
type Value<O extends Operation> = Awaited<ReturnType<Operations[O]>>;

export class Outer implements AsyncDisposable {
  private nextId = 1;
  private readonly waiting = new Map<number, (line: { value?: unknown; error?: string }) => void>();
  private said = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly cgroups: string[],
    private readonly folder: string,
  ) {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const { id, ...answer } = JSON.parse(line) as { id: number; value?: unknown; error?: string };
      this.waiting.get(id)?.(answer);
      this.waiting.delete(id);
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      this.said += chunk.toString();
    });
    child.once('exit', (code, signal) => {
      for (const tell of this.waiting.values())
        tell({ error: `the outer container ended: ${code ?? signal}\n${this.said}` });
    });
    child.stdin?.on('error', () => {});
  }

  /** Made, with the native runtime installed in it. */
  static async start({ memoryBytes = 3 * 2 ** 30, processes = 2000 } = {}): Promise<Outer> {
    const folder = mkdtempSync('/run/vlab-outer-');
    const hierarchies = hierarchiesHere();
    const name = folder.split('/').at(-1) ?? '';
    const cgroups = hierarchies.map(({ mountPoint }) => join(mountPoint, name));
    for (const directory of cgroups) makeCgroup(directory, { memoryBytes, processes });
    await build({
      entryPoints: [join(FIXTURES, 'outer-agent.ts')],
      outfile: join(folder, 'agent.cjs'),
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: 'node20',
      external: ['koffi'],
      logLevel: 'warning',
      define: { 'import.meta.url': JSON.stringify(`file://${join(ROOT, 'src/x.ts')}`) },
    });
    const probe = await nativeBinary('probe');
    for (const native of ['vlab-front', 'vlab-relay'] as const) await nativeBinary(native);
    writeFileSync(join(folder, 'set-up.sh'), setUp(folder, hierarchies, probe));
    const join0 = cgroups.map((directory) => `echo 0 > ${directory}/cgroup.procs`).join('; ');
    const namespaces = '--mount --pid --net --ipc --uts --cgroup --fork --kill-child=SIGKILL --propagation private';
    const child = spawn('sh', ['-ec', `${join0}; exec unshare ${namespaces} sh -e ${folder}/set-up.sh`], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
    });
    const outer = new Outer(child, cgroups, folder);
    for (const [program, more] of [
      [NATIVE, {}],
      [COLD, { env: { ...process.env, VLAB_RUN_DIR: '/run/nobody' } }],
    ] as const) {
      const installed = await outer.run([...VLAB, 'oci', 'install', ...program], more);
      if (installed.code !== 0) throw new Error(`vlab oci install failed: ${installed.stderr}`);
    }
    return outer;
  }

  ask<O extends Operation>(operation: O, argument: Argument<O>): Promise<Value<O>> {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, ({ value, error }) =>
        error === undefined ? resolve(value as Value<O>) : reject(new Error(error)),
      );
      this.child.stdin?.write(`${JSON.stringify({ id, operation, argument })}\n`);
    });
  }

  run(argv: string[], more: Partial<Argument<'run'>> = {}): Promise<Ran> {
    return this.ask('run', { argv, timeoutMs: 30_000, ...more });
  }

  sh(script: string, more: Partial<Argument<'run'>> = {}): Promise<Ran> {
    return this.run(['/bin/sh', '-c', script], more);
  }

  /** Writes a bundle; `config.root.path` may be relative to it. Returns its path. */
  async bundle(name: string, config: object | string): Promise<string> {
    const path = `/bundles/${name}`;
    const stdin = typeof config === 'string' ? config : JSON.stringify(config);
    const { code, stderr } = await this.sh(`mkdir -p "${path}" && cat > "${path}/config.json"`, { stdin });
    if (code !== 0) throw new Error(`no bundle ${name}: ${stderr}`);
    return path;
  }

  machine(directories: string[] = [STATE_ROOT]): Promise<Machine> {
    return this.ask('machine', { directories });
  }

  /** What is there now and was not before, as soon as there is nothing, or after a while. */
  leftSince(before: Machine, directories: string[] = [STATE_ROOT]): Promise<Partial<Machine>> {
    return this.ask('leftSince', { before, directories });
  }

  async startPlanner(): Promise<void> {
    const { code, stderr } = await this.run([...VLAB, 'planner', 'start']);
    if (code !== 0) throw new Error(`the planner did not start: ${stderr}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL'); // unshare takes the first process along, and that the whole pid namespace
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    for (const directory of this.cgroups) thaw(directory);
    for (const directory of this.cgroups) await removeTree(directory);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function hierarchiesHere(): Hierarchy[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, , , , mountPoint = '', , ...rest] = line.split(' ');
      const [type = '', , options = ''] = rest.slice(rest.indexOf('-') + 1);
      // Others may have mounted them elsewhere, too.
      if ((type !== 'cgroup' && type !== 'cgroup2') || !mountPoint.startsWith('/sys/fs/cgroup')) return [];
      const name = mountPoint.split('/').at(-1) ?? '';
      return [{ name, type, options: options.replace(/^r[ow],?/, ''), mountPoint }];
    });
}

function makeCgroup(directory: string, { memoryBytes, processes }: { memoryBytes: number; processes: number }): void {
  mkdirSync(directory);
  const files = readdirSync(directory);
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    if (files.includes(file) && !files.includes('cgroup.controllers'))
      writeFileSync(join(directory, file), readFileSync(join(directory, '..', file)));
  }
  const limits: Record<string, number> = {
    'memory.limit_in_bytes': memoryBytes,
    'memory.max': memoryBytes,
    'pids.max': processes,
  };
  for (const [file, value] of Object.entries(limits))
    if (files.includes(file)) writeFileSync(join(directory, file), String(value));
}

/** Who is frozen does not end. */
function thaw(directory: string): void {
  const files = readdirSync(directory, { withFileTypes: true });
  if (files.some(({ name }) => name === 'freezer.state')) writeFileSync(join(directory, 'freezer.state'), 'THAWED');
  for (const entry of files) if (entry.isDirectory()) thaw(join(directory, entry.name));
}

async function removeTree(directory: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      for (const entry of readdirSync(directory, { withFileTypes: true })) {
        if (entry.isDirectory()) await removeTree(join(directory, entry.name));
      }
      rmdirSync(directory);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      if (attempt > 200) throw error;
      await sleep(20);
    }
  }
}

/** What the first process inside does: a root of its own, of nothing but what is needed, and then the agent. */
function setUp(folder: string, hierarchies: Hierarchy[], probe: string): string {
  const shown = [...new Set(['/usr', '/etc', ROOT, realpathSync(join(ROOT, 'node_modules')), cacheDir()])];
  const r = join(folder, 'root');
  return `
mkdir ${r}; mount -t tmpfs -o mode=755,size=1g outer ${r}; cd ${r}
for one in bin sbin lib lib64; do [ -L /$one ] && cp -a /$one $one || { [ ! -d /$one ] || { mkdir $one; mount --rbind -o ro /$one $one; }; }; done
for one in ${shown.join(' ')}; do mkdir -p .$one; mount --bind $one .$one; mount -o remount,bind,ro .$one; done
mkdir -p proc sys dev tmp run root tools bundles/rootfs bundles/rootfs/proc bundles/rootfs/dev bundles/rootfs/sys bundles/rootfs/tmp
chmod 1777 tmp
cp ${probe} bundles/rootfs/probe; cp ${folder}/agent.cjs tools/agent.cjs
mount -t proc proc proc; mount -t sysfs sysfs sys; mount -t tmpfs -o mode=755 cgroups sys/fs/cgroup
${hierarchies.map(({ name, type, options }) => `mkdir sys/fs/cgroup/${name}; mount -t ${type} ${options && type === 'cgroup' ? `-o ${options}` : ''} ${type} sys/fs/cgroup/${name}`).join('\n')}
for one in null zero full random urandom tty; do cp -a /dev/$one dev/$one; done
ln -s /proc/self/fd dev/fd; mkdir dev/pts dev/shm dev/mqueue
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts; ln -s pts/ptmx dev/ptmx; mount -t tmpfs shm dev/shm
mkdir old; pivot_root . old; cd /; umount -l old; rmdir old
hostname outer
export HOME=/root PATH
exec 3<&0
${process.execPath} /tools/agent.cjs <&3 3<&- &
exec 3<&- <&-
wait $!
`;
}
