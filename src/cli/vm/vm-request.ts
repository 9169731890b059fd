import { VlabError } from '../../base/errors.js';
import { parseDuration } from '../../lab/quantity.js';
import { hostArch } from '../../sys/abi.js';
import { findKernel } from '../../vm/kernel.js';
import type { MachineRequest } from '../../vm/prepare-vm.js';
import { findQemu, type Qemu } from '../../vm/probe-qemu.js';
import { chooseAccelerator } from '../../vm/prove-kvm.js';
import type { Accelerator, MachineType } from '../../vm/spec.js';
import { environment } from '../environment.js';
import { rootfsOf } from '../rootfs.js';
import { memoryFlag } from '../size.js';

export interface VmFlags {
  rootfs: string;
  machine?: string | undefined;
  accel: string;
  memory: string;
  cpus: number;
  kernel?: string | undefined;
  append: string;
  env?: string[] | undefined;
  workdir: string;
  hostname: string;
}

/** Flags → the request, with QEMU found, the kernel chosen and KVM proved or not. `reason`: why this accelerator. */
export async function vmRequest(
  flags: VmFlags,
  command: readonly string[],
): Promise<{ request: MachineRequest; qemu: Qemu; reason: string }> {
  const [qemu, kernel] = await Promise.all([findQemu(), findKernel(flags.kernel)]);
  const { accelerator, reason } = await chooseAccelerator(flags.accel as Accelerator | 'auto', qemu, kernel);
  const usual: MachineType = hostArch() === 'aarch64' ? 'virt' : 'q35';
  const request: MachineRequest = {
    rootfs: await rootfsOf(flags.rootfs),
    command,
    env: environment(flags.env ?? []),
    cwd: flags.workdir,
    hostname: flags.hostname,
    machine: (flags.machine as MachineType | undefined) ?? usual,
    accelerator,
    memoryMiB: Math.floor(memoryFlag('--memory', flags.memory) / 2 ** 20),
    cpus: flags.cpus,
    kernel,
    stdin: true,
    signals: true,
    append: flags.append.split(/\s+/).filter((word) => word !== ''),
  };
  return { request, qemu, reason };
}

export function parseDurationMs(flag: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms <= 0) {
    throw new VlabError('input', `${flag} ${text} is no length of time`, { hint: 'write it as 500ms, 10s or 2m' });
  }
  return ms;
}
