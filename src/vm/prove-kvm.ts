/**
 * Whether KVM can be used here, proved by running something. That /dev/kvm exists, opens and creates a virtual CPU proves
 * nothing: there are nested hosts where all that works, a few instructions run, and no Linux ever boots.
 */
import { createHash } from 'node:crypto';
import { access, constants, readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import { errnoOf, messageOf, VlabError } from '../base/errors.js';
import { remembered } from '../base/partial.js';
import { cacheDir } from '../base/paths.js';
import type { GuestKernel } from './kernel.js';
import { kernelFit } from './kernel-config.js';
import { Machine } from './machine.js';
import type { Qemu } from './probe-qemu.js';
import type { Accelerator, MachineType } from './spec.js';
import { runTinyGuest } from './tiny-guest.js';

export interface KvmProof {
  works: boolean;
  /** What was seen, in a phrase; for people. */
  reason: string;
}

/** Undefined: it works. Otherwise why not. */
export type KvmTest = () => Promise<string | undefined>;

/** Cheapest first; the first that fails decides. Pure but for what the tests do. */
export async function decideKvm(tests: { node: KvmTest; tiny: KvmTest; linux: KvmTest }): Promise<KvmProof> {
  const node = await tests.node();
  if (node !== undefined) return { works: false, reason: node };
  const tiny = await tests.tiny();
  if (tiny !== undefined) return { works: false, reason: `/dev/kvm opens, but nothing runs on it: ${tiny}` };
  const linux = await tests.linux();
  if (linux !== undefined) return { works: false, reason: `a tiny guest runs on KVM, but Linux does not: ${linux}` };
  return { works: true, reason: 'Linux was booted on it' };
}

const TINY_DEADLINE_MS = 10_000;
/** Where KVM works, Linux is up within a second or two. */
const LINUX_DEADLINE_MS = 15_000;

/** Tests KVM, or remembers: once per boot of the host, host kernel, QEMU and guest kernel. */
export async function proveKvm(qemu: Qemu, kernel: GuestKernel): Promise<KvmProof> {
  const node = await kvmNode();
  if (node !== undefined) return { works: false, reason: node };
  const file = join(cacheDir(), 'kvm', `${await circumstances(qemu, kernel)}.json`);
  return remembered(file, () =>
    decideKvm({
      node: async () => undefined,
      tiny: () => runTinyGuest(qemu.path, 'kvm', TINY_DEADLINE_MS),
      linux: () => linuxGuest(qemu, kernel),
    }),
  );
}

async function circumstances(qemu: Qemu, kernel: GuestKernel): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
  const parts = [boot.trim(), release(), qemu.path, qemu.features.version, kernel.sha256];
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 32);
}

/** Undefined: the node is there and may be opened. */
export async function kvmNode(path = '/dev/kvm'): Promise<string | undefined> {
  try {
    await access(path, constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    const errno = errnoOf(error) ?? messageOf(error);
    if (errno === 'ENOENT') return `there is no ${path}`;
    return `${path} may not be opened (${errno}); become a member of its group`;
  }
}

/** The same first process as always, with no program to run: it says that it is up and powers off. */
async function linuxGuest(qemu: Qemu, kernel: GuestKernel): Promise<string | undefined> {
  const machine: MachineType = kernel.arch === 'aarch64' ? 'virt' : 'q35';
  if (!kernelFit(kernel.config, machine).fits) return `the kernel ${kernel.release} does not run on ${machine}`;
  try {
    await using guest = await Machine.start(
      {
        rootfs: undefined,
        command: [],
        env: {},
        cwd: '/',
        hostname: 'probe',
        machine,
        accelerator: 'kvm',
        memoryMiB: 128,
        cpus: 1,
        kernel,
        stdin: false,
        signals: false,
        append: [],
      },
      { qemu, deadlineMs: LINUX_DEADLINE_MS },
    );
    guest.stdout.resume();
    guest.stderr.resume();
    await guest.wait();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

export interface AcceleratorChoice {
  accelerator: Accelerator;
  /** Why this one. */
  reason: string;
}

/** `auto`: KVM where it is proved, else emulation with the reason. Error (`host`): KVM was demanded and cannot work. */
export async function chooseAccelerator(
  wish: Accelerator | 'auto',
  qemu: Qemu,
  kernel: GuestKernel,
): Promise<AcceleratorChoice> {
  if (wish === 'tcg') return { accelerator: 'tcg', reason: 'asked for' };
  if (!qemu.features.kvmBuiltIn) return withoutKvm(wish, `${qemu.path} was built without KVM`);
  const { works, reason } = await proveKvm(qemu, kernel);
  return works ? { accelerator: 'kvm', reason } : withoutKvm(wish, reason);
}

function withoutKvm(wish: Accelerator | 'auto', reason: string): AcceleratorChoice {
  if (wish === 'kvm') {
    throw new VlabError('host', `KVM cannot be used: ${reason}`, {
      hint: 'leave --accel away to run by emulation, or see `vlab doctor` about KVM',
    });
  }
  return { accelerator: 'tcg', reason };
}
