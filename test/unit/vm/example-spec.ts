import type { QemuFeatures } from '../../../src/vm/qemu-features.js';
import type { MachineSpec } from '../../../src/vm/spec.js';

/** What QEMU 7.2 of Debian says of itself, as far as it matters. */
export const QEMU_7_2: QemuFeatures = {
  version: '7.2.22',
  machineTypes: new Set(['q35', 'pc-q35-7.2', 'microvm', 'virt']),
  machineOptions: {
    q35: new Set(['acpi', 'hpet', 'i8042', 'pic', 'pit', 'sata', 'smbus', 'smm', 'usb', 'vmport', 'graphics']),
    microvm: new Set(['acpi', 'isa-serial', 'pcie', 'pic', 'pit', 'rtc', 'usb', 'x-option-roms']),
    virt: new Set(['gic-version', 'graphics', 'usb']),
  },
  devices: new Set(['virtio-serial-pci', 'virtio-serial-device', 'virtserialport']),
  options: new Set(['sandbox', 'chardev', 'device']),
  kvmBuiltIn: true,
};

/** A machine with one channel of each kind. */
export function exampleSpec(changes: Partial<MachineSpec> = {}): MachineSpec {
  return {
    arch: 'x86_64',
    machine: 'q35',
    accelerator: 'tcg',
    memoryMiB: 128,
    cpus: 1,
    kernel: { path: '/cache/vmlinux', format: 'pvh' },
    initramfs: '/run/vlab/initramfs.cpio',
    commandLine: ['console=ttyS0', 'quiet'],
    acpi: false,
    console: { kind: 'file', path: '/run/vlab/a,b.console' },
    ports: [
      { number: 1, name: 'vlab.stdin', channel: { kind: 'socket', fd: 9 } },
      { number: 4, name: 'vlab.signals', channel: { kind: 'fifo', path: '/run/vlab/signals' } },
      { number: 5, name: 'vlab.marks', channel: { kind: 'fd-out', fd: 1003 } },
      { number: 6, name: 'vlab.fence', channel: { kind: 'null' } },
    ],
    monitor: { kind: 'listen', path: '/run/vlab/qmp.sock' },
    ...changes,
  };
}
