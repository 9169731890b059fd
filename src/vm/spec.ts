/**
 * A virtual machine as a value: what argv.ts turns into a QEMU command line. Nothing here knows of a process, a socket
 * or a file that exists.
 */
import type { Arch } from '../sys/abi.js';

export type Accelerator = 'kvm' | 'tcg';

/**
 * `q35`: a PC with firmware and PCI · `microvm`: x86 without firmware tables of a PC, PCI or a disk controller, devices on
 * virtio-mmio · `virt`: QEMU's machine for aarch64.
 */
export type MachineType = 'q35' | 'microvm' | 'virt';

/** Where the host's end of a console, a port or the monitor is. */
export type Channel =
  | { kind: 'null' }
  /** What the guest writes goes into a file, emptied first. */
  | { kind: 'file'; path: string }
  /** An inherited descriptor open for writing only: the end of a pipe, or a file. */
  | { kind: 'fd-out'; fd: number }
  /** A FIFO, from which the guest reads what anybody on the host writes; it never ends. */
  | { kind: 'fifo'; path: string }
  /** An inherited descriptor: a connected stream socket, both ways. */
  | { kind: 'socket'; fd: number }
  /** A unix socket that QEMU listens on; somebody may connect later. */
  | { kind: 'listen'; path: string };

/** A virtio-serial port. In the guest it is `/dev/vport0p<number>`. */
export interface Port {
  /** 1 … 30; QEMU keeps 0 for a console. */
  number: number;
  /** `vlab.marks`; the guest could read it from /sys/class/virtio-ports. */
  name: string;
  channel: Channel;
}

export interface KernelImage {
  path: string;
  /**
   * `bzImage`: compressed, started by its real-mode code · `pvh`: the ELF file inside it, started at its PVH entry without
   * decompression (Xen's x86 PVH boot ABI) · `Image`: aarch64.
   */
  format: 'bzImage' | 'pvh' | 'Image';
}

export interface MachineSpec {
  arch: Arch;
  machine: MachineType;
  accelerator: Accelerator;
  memoryMiB: number;
  cpus: number;
  kernel: KernelImage;
  initramfs: string;
  /** Words of the kernel's command line, in order. */
  commandLine: readonly string[];
  /** microvm only: describe the devices by ACPI tables (the kernel needs no virtio-mmio command-line support then). */
  acpi: boolean;
  console: Channel;
  ports: readonly Port[];
  /** The QMP monitor; undefined: none. */
  monitor: Channel | undefined;
}

/** Memory below this cannot hold a distribution's kernel, let alone its initramfs. */
export const LEAST_MEMORY_MIB = 64;
