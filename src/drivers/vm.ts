/** vlab's own virtual machine: QEMU started by the performer, the job's root file system as an initramfs. */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, constants, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { errnoOf, messageOf, VlabError } from '../base/errors.js';
import { privateDir } from '../base/paths.js';
import { hostArch } from '../sys/abi.js';
import type { Performed } from '../sys/channel.js';
import { own } from '../sys/owners.js';
import { readObserved, SIGINFO_AT } from '../sys/stamps.js';
import { argv } from '../vm/argv.js';
import { explainEnd, explainNotRun } from '../vm/explain-end.js';
import { EXIT_RECORD_BYTES, readExitRecord, signalMessage } from '../vm/guest-ports.js';
import { findKernel, type GuestKernel } from '../vm/kernel.js';
import { connectVm, type PreparedVm, prepareVm } from '../vm/prepare-vm.js';
import { findQemu, type Qemu } from '../vm/probe-qemu.js';
import { chooseAccelerator } from '../vm/prove-kvm.js';
import type { MachineType } from '../vm/spec.js';
import type { Circumstances, Driver, Job, Prepared, Support } from './driver.js';
import { launched, type Start } from './launched.js';
import type { ObserveOptions } from './observe.js';
import { probeByRunning } from './probe-by-running.js';
import { type VmFiles, vmChannels, vmPlan } from './vm-plan.js';

const DEFAULT_MEMORY_MIB = 128;
/** By emulation and on a busy machine a distribution's kernel needs some seconds. */
const PROBE_DEADLINE_MS = 60_000;

const optionsSchema = z.strictObject({
  machine: z.enum(['q35', 'microvm', 'virt']).optional().describe('machine type; default: q35, on aarch64 virt'),
  accel: z
    .enum(['auto', 'kvm', 'tcg'])
    .default('auto')
    .describe('kvm: hardware virtualization · tcg: emulation · auto: kvm where it is proved to work'),
  kernel: z.string().optional().describe('guest kernel: a path, or the package or release of one in the cache'),
  append: z.string().default('').describe("further words for the guest kernel's command line"),
});
type Options = z.output<typeof optionsSchema>;

export const driver: Driver = {
  name: 'vm',
  boundary: 'virtual machine',
  summary: "vlab's own virtual machine: QEMU with virtio, a kernel of its own, the root file system in memory",
  optionsSchema,
  probe,
  prepare,
};

async function probe(): Promise<Support> {
  const mend = 'install QEMU (Debian, Ubuntu: apt-get install qemu-system-x86) and run `vlab kernel pull`';
  try {
    const qemu = await findQemu();
    const kernel = await findKernel();
    const { accelerator, reason } = await chooseAccelerator('auto', qemu, kernel);
    return await probeByRunning(driver, {
      mend,
      version: qemu.features.version,
      accel: accelerator,
      notes: [`accelerator ${accelerator}: ${reason}`, `guest kernel ${kernel.release} (${kernel.origin})`],
      options: { accel: accelerator },
      deadlineMs: PROBE_DEADLINE_MS,
    });
  } catch (error) {
    return { ready: false, missing: messageOf(error), mend: (error instanceof VlabError && error.hint) || mend };
  }
}

async function prepare(job: Job): Promise<Prepared> {
  const options: Options = optionsSchema.parse(job.options);
  const [qemu, kernel] = await Promise.all([findQemu(), findKernel(options.kernel)]);
  const { accelerator } = await chooseAccelerator(options.accel, qemu, kernel);
  const id = `vm-${randomBytes(5).toString('hex')}`;
  const folder = join(job.scratchDir, id);
  const ownership = own(id, { cgroups: [], paths: [folder] });
  try {
    privateDir(folder);
    const machine: MachineType = options.machine ?? (hostArch() === 'aarch64' ? 'virt' : 'q35');
    const vm = await prepareVm(
      {
        rootfs: job.rootfs,
        command: job.command,
        env: job.env,
        cwd: '/',
        hostname: 'vlab',
        machine,
        accelerator,
        memoryMiB: memoryMiBOf(job),
        cpus: Math.max(1, Math.ceil(job.limits.cpus ?? 1)),
        kernel,
        stdin: false,
        signals: true,
        endToken: undefined,
        append: options.append.split(/\s+/).filter((word) => word !== ''),
      },
      folder,
    );
    const prepared = await launched({
      job,
      compile: (_id, files) => startOf(vm, qemu, job, files),
      dispose: () => ownership[Symbol.asyncDispose](),
    });
    return Object.assign(prepared, { accel: accelerator, circumstances: circumstancesOf(kernel, machine) });
  } catch (error) {
    await ownership[Symbol.asyncDispose]();
    throw error;
  }
}

/** The guest's memory is its limit. */
function memoryMiBOf({ limits }: Job): number {
  return limits.memoryBytes === undefined ? DEFAULT_MEMORY_MIB : Math.floor(limits.memoryBytes / 2 ** 20);
}

function circumstancesOf(kernel: GuestKernel, machine: MachineType): Circumstances {
  return {
    kernel: `its own: Linux ${kernel.release} on ${machine} (${kernel.origin})`,
    rootfs: 'a copy in the guest’s memory (initramfs), made before the start',
    caches: 'kernel and initramfs in the host’s page cache; the guest’s caches empty',
  };
}

function startOf(vm: PreparedVm, qemu: Qemu, job: Job, files: ObserveOptions): Start {
  const at = files.stdoutPath.replace(/\.out$/, '');
  const all: VmFiles = {
    ...files,
    consolePath: `${at}.console`,
    qemuPath: `${at}.qemu`,
    signalsPath: `${at}.signals`,
  };
  const args = argv(connectVm(vm, vmChannels(all)), qemu.features);
  const env = { PATH: process.env.PATH ?? '/usr/bin' };
  return {
    plan: vmPlan(vm.plan.arch, { path: qemu.path, args, env }, all),
    kill: async (signal) => sendSignal(all.signalsPath, signal),
    dispose: (orderly) => (orderly ? Promise.resolve() : untilUnheld(all.signalsPath)),
    judge: async (performed) => judge(performed, vm, job, all),
    execPlan: () => {
      throw new VlabError(
        'host',
        'a virtual machine cannot run a second program yet: that needs an agent in the guest',
        {
          hint: 'start a second machine, or compare exec among containers',
        },
      );
    },
  };
}

function sendSignal(path: string, signal: number): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    writeSync(fd, signalMessage(signal));
  } finally {
    closeSync(fd);
  }
}

/** Waits until performer and QEMU are gone: the last of them to die ends the FIFO. */
async function untilUnheld(path: string): Promise<void> {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return; // cancelled before it was made
    throw error;
  }
  if (hasNoWriter(fd)) {
    closeSync(fd);
    return;
  }
  const fifo = new Socket({ fd, readable: true, writable: false });
  fifo.resume();
  await once(fifo, 'close');
}

/** A FIFO that nobody writes to ends at once; without data but with a writer it has nothing yet (fifo(7)). */
function hasNoWriter(fd: number): boolean {
  try {
    return readSync(fd, Buffer.alloc(64)) === 0;
  } catch (error) {
    if (errnoOf(error) === 'EAGAIN') return false;
    throw error;
  }
}

/** The failed step of the host's plan only says that the guest said nothing; its console says why. */
function judge(performed: Performed, vm: PreparedVm, job: Job, files: VmFiles): Error | undefined {
  const record = performed.reply.subarray(SIGINFO_AT, SIGINFO_AT + EXIT_RECORD_BYTES);
  const end = readExitRecord(record);
  if (end?.kind === 'not-run') return explainNotRun(end.errno, job.command[0] ?? '');
  if (!performed.failure || end) return performed.failure;
  const { stamps } = readObserved(performed.reply);
  if (stamps.spawned === undefined) return performed.failure;
  const qemuStderr = readFileSync(files.qemuPath, 'utf8');
  return explainEnd({
    plan: vm.plan,
    memoryMiB: vm.machine.memoryMiB,
    accelerator: vm.machine.accelerator,
    console: readFileSync(files.consolePath, 'utf8'),
    qemuStderr,
    qemuExit: qemuStderr === '' ? undefined : { code: undefined, signal: undefined },
    shutdown: undefined,
    up: stamps.rooted !== undefined,
    exec: stamps.exec !== undefined,
    garbled: undefined,
  });
}
