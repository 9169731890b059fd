/** What the tests of real machines share: QEMU, a kernel, the probe as root file system. */
import type { TestContext } from 'vitest';
import { probeRootfs } from '../../../src/drivers/probe-rootfs.js';
import { findKernel, type GuestKernel } from '../../../src/vm/kernel.js';
import { Machine, type StartOptions } from '../../../src/vm/machine.js';
import type { MachineRequest } from '../../../src/vm/prepare-vm.js';
import { findQemu, type Qemu } from '../../../src/vm/probe-qemu.js';
import { needs } from '../../skips.js';

/** By emulation on a busy machine a start may take long. */
export const START_DEADLINE_MS = 60_000;

export async function qemuAndKernel(context: Pick<TestContext, 'skip'>): Promise<{ qemu: Qemu; kernel: GuestKernel }> {
  const qemu = await findQemu().catch(() => undefined);
  needs(context, 'qemu', qemu !== undefined);
  const kernel = await findKernel().catch(() => undefined);
  needs(context, 'kernel', kernel !== undefined);
  return { qemu: qemu as Qemu, kernel: kernel as GuestKernel };
}

export async function request(
  kernel: GuestKernel,
  command: string[],
  changes: Partial<MachineRequest> = {},
): Promise<MachineRequest> {
  return {
    rootfs: (await probeRootfs()).dir,
    command,
    env: {},
    cwd: '/',
    hostname: 'guest',
    machine: kernel.arch === 'aarch64' ? 'virt' : 'q35',
    accelerator: 'tcg',
    memoryMiB: 128,
    cpus: 1,
    kernel,
    stdin: false,
    signals: false,
    append: [],
    ...changes,
  };
}

/** Starts it, feeds it, and gives all that came out. */
export async function runGuest(wish: MachineRequest, options: StartOptions & { input?: Buffer }) {
  await using machine = await Machine.start(wish, { deadlineMs: START_DEADLINE_MS, ...options });
  const stdout = collect(machine.stdout);
  const stderr = collect(machine.stderr);
  machine.stdin?.end(options.input);
  const end = await machine.wait();
  return { end, stdout: await stdout, stderr: await stderr, console: machine.consoleText };
}

async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
