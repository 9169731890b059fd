/** The virtual machine's two arms: vlab's own driver, and a QEMU command as one would write it by hand. */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { messageOf } from '../src/base/errors.js';
import type { Job } from '../src/drivers/driver.js';
import { driver } from '../src/drivers/vm.js';
import { argvParts } from '../src/vm/argv.js';
import { kernelWords } from '../src/vm/command-line.js';
import { cpioArchive } from '../src/vm/cpio.js';
import { findKernel } from '../src/vm/kernel.js';
import { findQemu } from '../src/vm/probe-qemu.js';
import { chooseAccelerator } from '../src/vm/prove-kvm.js';
import type { MachineSpec } from '../src/vm/spec.js';
import { tscKhzFor } from '../src/vm/tsc-rate.js';
import type { BenchArm } from './arm.js';
import { compiled } from './compiled.js';
import { commandArm, driverArm } from './launched-arm.js';

/** In every block: boots by emulation scatter so much that twenty of them did not decide a ratio of 1.15. */
const EVERY = 1;
const DEADLINE_MS = 60_000;
const S_IFREG = 0o100000;
const S_IFCHR = 0o020000;

export async function vmArm(job: Job): Promise<BenchArm | { absent: string }> {
  const support = await driver.probe();
  if (!support.ready) return { absent: support.missing };
  return driverArm(
    {
      label: 'vm',
      what: `vlab's virtual machine (q35, ${support.accel}) with the program, by the running launcher`,
      every: EVERY,
      accel: support.accel,
    },
    driver,
    job,
    { stdout: 'hello\n', deadlineMs: DEADLINE_MS },
  );
}

/** The same QEMU, machine, accelerator, memory and kernel; no ports, no monitor, no sandbox, an init that says one byte. */
export async function qemuArm(job: Job): Promise<BenchArm | { absent: string }> {
  try {
    const [qemu, kernel] = await Promise.all([findQemu(), findKernel()]);
    const { accelerator } = await chooseAccelerator('auto', qemu, kernel);
    const initramfs = join(job.scratchDir, 'one-byte.cpio');
    writeFileSync(initramfs, oneByteArchive(readFileSync(await compiled('one-byte'))));
    const machine: MachineSpec = {
      arch: kernel.arch,
      machine: 'q35',
      accelerator,
      memoryMiB: 128,
      cpus: 1,
      kernel: kernel.image,
      initramfs,
      commandLine: [
        ...kernelWords({ machine: 'q35' }, await tscKhzFor(accelerator)).map(({ word }) => word),
        'loglevel=0',
      ],
      acpi: false, // microvm's business
      console: { kind: 'null' },
      ports: [],
      monitor: undefined,
    };
    const kept = ['-machine', '-accel', '-cpu', '-smp', '-m', '-kernel', '-initrd', '-append'];
    const words = [
      ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-serial', 'stdio'],
      ...argvParts(machine, qemu.features).flatMap(({ words: [option = '', ...rest] }) =>
        kept.includes(option) ? [option, ...rest] : [],
      ),
    ];
    const quoted = words.map((word) => (/[ ,]/.test(word) ? `'${word}'` : word));
    return commandArm(
      { label: 'qemu', what: `\`${[basename(qemu.path), ...quoted].join(' ')}\``, every: EVERY, accel: accelerator },
      { path: qemu.path, argv: () => [qemu.path, ...words], env: {}, timed: 'ready' },
      job,
      { stdout: '!', deadlineMs: DEADLINE_MS },
    );
  } catch (error) {
    return { absent: messageOf(error) };
  }
}

/** /init, and the console that the kernel opens for it. */
function oneByteArchive(init: Buffer): Buffer {
  const entry = (name: string, mode: number, bytes: number, inode: number) => ({
    ...{ name: Buffer.from(name), mode, bytes, inode },
    ...{ uid: 0, gid: 0, links: 1 },
  });
  const none = new Uint8Array();
  return cpioArchive([
    { entry: entry('dev', 0o040755, 0, 1), content: none },
    { entry: { ...entry('dev/console', S_IFCHR | 0o600, 0, 2), device: { major: 5, minor: 1 } }, content: none },
    { entry: entry('init', S_IFREG | 0o755, init.length, 3), content: init },
  ]);
}
