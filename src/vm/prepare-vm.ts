/**
 * A person's wish → everything a start needs: kernel, machine description, guest plan, initramfs file. Untimed; what it
 * decides is pure, what it writes is one file.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VlabError } from '../base/errors.js';
import { encodePlan } from '../sys/encode.js';
import { initVersion, nativeBinary } from '../sys/native.js';
import type { Plan } from '../sys/plan.js';
import { type KernelWord, kernelWords } from './command-line.js';
import { DEFAULT_ENV, guestPlan } from './guest-plan.js';
import { GUEST_PORTS } from './guest-ports.js';
import { rootfsArchive, writeInitramfs } from './initramfs.js';
import type { GuestKernel } from './kernel.js';
import { kernelFit } from './kernel-config.js';
import { loadModules, type ModuleFile } from './kernel-modules.js';
import { type Accelerator, type Channel, LEAST_MEMORY_MIB, type MachineSpec, type MachineType } from './spec.js';
import { tscKhzFor } from './tsc-rate.js';

export interface VmRequest {
  /** Undefined: a guest that only comes up and says so. */
  rootfs: string | undefined;
  command: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd: string;
  hostname: string;
  machine: MachineType;
  accelerator: Accelerator;
  memoryMiB: number;
  cpus: number;
  kernel: GuestKernel;
  stdin: boolean;
  signals: boolean;
  /** The host reads both outputs from streams that may be slow: mark their ends (see GuestJob). */
  endToken: Uint8Array | undefined;
  /** Further words for the kernel's command line. */
  append: readonly string[];
}

/** The wish of whoever starts a machine; how the end of its outputs is told is the starter's business. */
export type MachineRequest = Omit<VmRequest, 'endToken'>;

export interface PreparedVm {
  plan: Plan;
  /** The machine, but for where its console, ports and monitor lead to. */
  machine: Omit<MachineSpec, 'console' | 'ports' | 'monitor'>;
  /** Which ports the plan uses. */
  stdin: boolean;
  signals: boolean;
  endToken: Uint8Array | undefined;
  /** The kernel's command line with reasons. */
  words: KernelWord[];
}

/** A kernel of a distribution takes about this much of the guest's memory for itself. */
const KERNEL_MIB = 56;

/**
 * Writes `folder`/initramfs.cpio. Errors (`input`): the kernel cannot run on that machine type (naming each option that it
 * lacks), the memory does not hold the root file system; see also listTree and loadModules.
 */
export async function prepareVm(request: VmRequest, folder: string): Promise<PreparedVm> {
  const { kernel, machine } = request;
  if (request.memoryMiB < LEAST_MEMORY_MIB) {
    throw new VlabError('input', `${request.memoryMiB} MiB of memory cannot hold a kernel`, {
      hint: `give the machine at least ${LEAST_MEMORY_MIB} MiB`,
    });
  }
  const fit = kernelFit(kernel.config, machine);
  if (!fit.fits) {
    const lacks = fit.lacks.map(({ option, why }) => `${option} (${why})`).join('; ');
    throw new VlabError('input', `the kernel ${kernel.release} cannot run on ${machine}: it lacks ${lacks}`, {
      hint: 'use another kernel (`vlab kernel ls`) or another machine type',
    });
  }
  const modules = await modulesFor(kernel, fit.modules);
  const plan = guestPlan(kernel.arch, {
    command: request.command,
    env: { ...DEFAULT_ENV, ...request.env },
    cwd: request.cwd,
    hostname: request.hostname,
    modules: modules.map(({ name }) => name),
    stdin: request.stdin,
    signals: request.signals,
    endToken: request.endToken,
  });
  const rootfs = request.rootfs === undefined ? undefined : await rootfsArchive(request.rootfs);
  refuseTooLarge(request, rootfs?.bytes ?? 0);
  const initramfs = join(folder, 'initramfs.cpio');
  const init = await readFile(await nativeBinary('vlab-init', kernel.arch));
  const words = kernelWords(request, await tscKhzFor(request.accelerator), request.append);
  await writeInitramfs(initramfs, { init, plan: encodePlan(plan, initVersion()), modules }, rootfs);
  return {
    plan,
    machine: {
      arch: kernel.arch,
      machine,
      accelerator: request.accelerator,
      memoryMiB: request.memoryMiB,
      cpus: request.cpus,
      kernel: kernel.image,
      initramfs,
      commandLine: words.map(({ word }) => word),
      acpi: fit.acpi,
    },
    stdin: request.stdin,
    signals: request.signals,
    endToken: request.endToken,
    words,
  };
}

async function modulesFor(kernel: GuestKernel, wanted: string[]): Promise<ModuleFile[]> {
  if (wanted.length === 0) return [];
  if (kernel.modulesDir !== undefined) return loadModules(kernel.modulesDir, wanted);
  throw new VlabError(
    'input',
    `the kernel ${kernel.release} needs the modules ${wanted.join(', ')}, and none are there`,
    {
      hint: `put its modules at lib/modules/${kernel.release} beside its folder, or use another kernel`,
    },
  );
}

/** The archive is in memory twice for a moment: as QEMU put it there, and unpacked. */
function refuseTooLarge(request: VmRequest, rootfsBytes: number): void {
  const neededMiB = KERNEL_MIB + Math.ceil((2 * rootfsBytes) / 2 ** 20);
  if (request.memoryMiB >= neededMiB) return;
  throw new VlabError(
    'input',
    `${request.memoryMiB} MiB of memory do not hold the root file system of ${(rootfsBytes / 2 ** 20).toFixed(0)} MiB`,
    { hint: `give the machine at least ${Math.ceil(neededMiB / 32) * 32} MiB, or a smaller root file system` },
  );
}

/** Where each thing of a machine leads to on the host. Ports that the plan does not use are left out. */
export interface Channels {
  console: Channel;
  marks: Channel;
  stdout: Channel;
  stderr: Channel;
  stdin: Channel;
  signals: Channel;
  drained: Channel;
  monitor: Channel | undefined;
}

export function connectVm(prepared: PreparedVm, channels: Channels): MachineSpec {
  const unused = new Set([
    ...(prepared.stdin ? [] : ['stdin']),
    ...(prepared.signals ? [] : ['signals']),
    ...(prepared.endToken ? [] : ['drained']),
  ]);
  const all = ['stdin', 'stdout', 'stderr', 'signals', 'marks', 'drained'] as const;
  const used = all.filter((name) => !unused.has(name));
  return {
    ...prepared.machine,
    console: channels.console,
    ports: [
      ...used.map((name) => ({ ...GUEST_PORTS[name], channel: channels[name] })),
      { ...GUEST_PORTS.fence, channel: { kind: 'null' } as const },
    ],
    monitor: channels.monitor,
  };
}
