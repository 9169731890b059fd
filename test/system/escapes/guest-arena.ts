/** A virtual machine as the host of containers that are attacked in it: plans go in, what was said and reached comes out. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_CAPABILITIES } from '../../../src/container/config/capabilities.js';
import { type ContainerRequest, defaultConfig } from '../../../src/container/config/default-config.js';
import { defaultSeccomp } from '../../../src/container/config/default-seccomp.js';
import type { OciConfig } from '../../../src/container/config/schema.js';
import { runPlan } from '../../../src/container/run-plan.js';
import type { Situation } from '../../../src/container/situation.js';
import { withFilter } from '../../../src/container/situation-for.js';
import type { Arch } from '../../../src/sys/abi.js';
import { encodePlan } from '../../../src/sys/encode.js';
import { initVersion, nativeBinary } from '../../../src/sys/native.js';
import type { GuestKernel } from '../../../src/vm/kernel.js';
import { loadModules } from '../../../src/vm/kernel-modules.js';
import { Machine } from '../../../src/vm/machine.js';
import type { Qemu } from '../../../src/vm/probe-qemu.js';
import { request, START_DEADLINE_MS } from '../vm/on-the-machine.js';
import type { Flaw } from './flaw.js';

export interface GuestAttack {
  /** Of a file and a line: no colon. */
  name: string;
  words: readonly string[];
  check: string;
  limits?: Pick<ContainerRequest, 'memoryBytes' | 'pids'> | undefined;
  flaw?: Flaw | undefined;
  asks?: ((config: OciConfig) => void) | undefined;
  change?: ((config: OciConfig) => void) | undefined;
}

export interface GuestAnswers {
  /** What was said of an attack, a line each. */
  of(name: string): string[];
  /** The guest told that it had come to the end of all attacks. */
  whole: boolean;
  /** Why QEMU says that it ended. */
  shutdown: string | undefined;
  console: string;
}

export async function attackGuest(
  { qemu, kernel }: { qemu: Qemu; kernel: GuestKernel },
  attacks: readonly GuestAttack[],
): Promise<GuestAnswers> {
  const rootfs = mkdtempSync(join(tmpdir(), 'vlab-guest-arena-'));
  try {
    await fill(rootfs, kernel, attacks);
    const words = attacks.map(({ name, check }) => `${name}:${check}`);
    const wish = await request(kernel, ['/guest-arena', ...words], { rootfs, memoryMiB: MEMORY_MIB });
    await using machine = await Machine.start(wish, { qemu, deadlineMs: START_DEADLINE_MS });
    let shutdown: string | undefined;
    machine.qmp?.onEvent(({ event, data }) => {
      if (event === 'SHUTDOWN') shutdown = String(data.reason);
    });
    machine.stderr.resume();
    let said = '';
    machine.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const whole = await machine.wait().then(
      (end) => end.kind === 'exited' && end.code === 0,
      () => false,
    );
    const lines = said.split('\n');
    const of = (name: string) =>
      lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
    return { of, whole, shutdown, console: machine.consoleText };
  } finally {
    rmSync(rootfs, { recursive: true });
  }
}

/** More than a container gets, and not so much that it takes long to fill. */
const MEMORY_MIB = 192;

const FIXTURES = join(import.meta.dirname, '../../fixtures');

async function fill(root: string, kernel: GuestKernel, attacks: readonly GuestAttack[]): Promise<void> {
  for (const name of ['plans', 'proc', 'sys', 'dev', 'tmp', 'rootfs/mnt']) {
    mkdirSync(join(root, name), { recursive: true });
  }
  compile('guest-arena', join(root, 'guest-arena'), kernel.arch);
  compile('kernel-wide', join(root, 'kernel-wide'), kernel.arch);
  copyFileSync(join(root, 'kernel-wide'), join(root, 'rootfs/kernel-wide'));
  copyFileSync(await nativeBinary('vlab-front', kernel.arch), join(root, 'vlab-front'));
  const [module] = await loadModules(kernel.modulesDir ?? '', ['dummy']);
  writeFileSync(join(root, 'rootfs/module.ko'), module?.content ?? '');
  for (const attack of attacks) {
    writeFileSync(join(root, 'plans', attack.name), await planOf(attack, kernel.arch));
    symlinkSync('kernel-wide', join(root, `reached-${attack.name}`));
  }
}

function compile(name: string, target: string, arch: Arch): void {
  const source = join(FIXTURES, `${name}.c`);
  const compiler = process.arch === (arch === 'x86_64' ? 'x64' : 'arm64') ? 'cc' : `${arch}-linux-gnu-gcc`;
  const { status, stderr } = spawnSync(compiler, ['-static', '-O1', '-Wall', '-Werror', '-o', target, source], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
}

async function planOf({ name, words, limits, flaw, asks, change }: GuestAttack, arch: Arch): Promise<Uint8Array> {
  const seccomp = defaultSeccomp(arch, DEFAULT_CAPABILITIES);
  const command = ['/kernel-wide', ...words];
  const config = structuredClone(defaultConfig({ id: name, rootfs: '/rootfs', command, env: {}, ...limits }));
  config.linux.seccomp = seccomp;
  asks?.(config);
  change?.(config);
  const { plan } = runPlan(config, await withFilter(config, { ...GUEST, arch }));
  flaw?.(plan);
  return encodePlan(plan, initVersion());
}

const hierarchy = (controller: string): Situation['cgroups'][number] => {
  const root = `/sys/fs/cgroup/${controller}`;
  return { version: 1, root, parent: `${root}/vlab`, controllers: [controller] };
};

/** As guest-arena.c sets it up; nothing is known of the kernel's paths. */
const GUEST = { cgroups: ['memory', 'pids', 'devices'].map(hierarchy), kernelPaths: {}, rootless: undefined };
