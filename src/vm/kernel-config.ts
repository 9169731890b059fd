/** A kernel's configuration, and what it says about the machines that the kernel can run on. Pure. */
import type { MachineType } from './spec.js';

/** `y`: built in · `m`: a module · a string or number for the rest; absent: not set. */
export type KernelConfig = ReadonlyMap<string, string>;

export function parseKernelConfig(text: string): KernelConfig {
  const config = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^CONFIG_([A-Za-z0-9_]+)=(.*)$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) config.set(match[1], match[2].replace(/^"(.*)"$/, '$1'));
  }
  return config;
}

/** How a kernel starts on a machine type, or what it lacks for that. */
export type Fit =
  | { fits: true /** microvm: ACPI describes the devices. */; acpi: boolean; modules: string[] }
  | { fits: false; lacks: { option: string; why: string }[] };

interface Need {
  /** Any one of these; `=y` must be built in, otherwise a module does as well. */
  anyOf: string[];
  why: string;
  /** The module's name where the option may be `m`. */
  module?: string;
}

const EVERYWHERE: Need[] = [
  { anyOf: ['BLK_DEV_INITRD=y'], why: 'the root file system arrives as an initramfs' },
  { anyOf: ['DEVTMPFS=y'], why: 'the guest needs device nodes' },
  { anyOf: ['PROC_FS=y'], why: 'programs read /proc' },
  { anyOf: ['SYSFS=y'], why: 'programs read /sys' },
  { anyOf: ['TMPFS=y'], why: 'shared memory lives on a tmpfs' },
  { anyOf: ['INOTIFY_USER=y'], why: 'the first process waits for the ports by inotify' },
  { anyOf: ['VIRTIO_CONSOLE'], module: 'virtio_console', why: 'output and exit status travel over virtio-serial' },
];

const BY_MACHINE: Record<MachineType, Need[]> = {
  q35: [
    { anyOf: ['SERIAL_8250_CONSOLE=y'], why: 'panics are told on the serial port' },
    { anyOf: ['PCI=y'], why: 'the devices of q35 are on PCI' },
    { anyOf: ['VIRTIO_PCI'], module: 'virtio_pci', why: 'virtio devices are on PCI' },
  ],
  microvm: [
    { anyOf: ['SERIAL_8250_CONSOLE=y'], why: 'panics are told on the serial port' },
    {
      anyOf: ['ACPI=y', 'VIRTIO_MMIO_CMDLINE_DEVICES=y'],
      why: 'microvm tells the kernel where its devices are by ACPI tables or on the command line',
    },
    { anyOf: ['VIRTIO_MMIO'], module: 'virtio_mmio', why: 'virtio devices are memory-mapped' },
  ],
  virt: [
    { anyOf: ['SERIAL_AMBA_PL011_CONSOLE=y'], why: 'panics are told on the serial port' },
    { anyOf: ['PCI_HOST_GENERIC=y'], why: 'the devices of virt are on PCI' },
    { anyOf: ['VIRTIO_PCI'], module: 'virtio_pci', why: 'virtio devices are on PCI' },
  ],
};

export function kernelFit(config: KernelConfig, machine: MachineType): Fit {
  const needs = [...BY_MACHINE[machine], ...EVERYWHERE];
  const lacks = needs
    .filter(({ anyOf }) => !anyOf.some((option) => has(config, option)))
    .map(({ anyOf, why }) => ({ option: anyOf.map((option) => `CONFIG_${option}`).join(' or '), why }));
  const modules = needs.flatMap(({ module, anyOf }) =>
    module !== undefined && anyOf.every((option) => config.get(option) !== 'y') ? [module] : [],
  );
  if (modules.length > 0 && config.get('MODULES') !== 'y') {
    lacks.push({ option: 'CONFIG_MODULES=y', why: `${modules.join(', ')} must be loaded` });
  }
  if (lacks.length > 0) return { fits: false, lacks };
  // Devices on the command line work only where the driver is there when it is read: built in.
  const byCommandLine = has(config, 'VIRTIO_MMIO_CMDLINE_DEVICES=y') && config.get('VIRTIO_MMIO') === 'y';
  return { fits: true, acpi: machine === 'microvm' && !byCommandLine, modules };
}

/** The kernel can be entered at its PVH note, without its decompressor. */
export function hasPvhEntry(config: KernelConfig): boolean {
  return config.get('PVH') === 'y';
}

function has(config: KernelConfig, option: string): boolean {
  const [name = '', value] = option.split('=');
  const set = config.get(name);
  return value === undefined ? set === 'y' || set === 'm' : set === value;
}
