/**
 * Machine description → QEMU's command line. Pure. Each option keeps its reason, so that `--show-argv` can be read as a
 * lesson. Source: qemu(1) and the help texts of QEMU 7.2.
 */
import { VlabError } from '../base/errors.js';
import type { QemuFeatures } from './qemu-features.js';
import type { Channel, MachineSpec } from './spec.js';

/** One option with its value, and why it is there. */
export interface ArgvPart {
  words: string[];
  why: string;
}

export function qemuName(spec: Pick<MachineSpec, 'arch'>): string {
  return `qemu-system-${spec.arch}`;
}

/** Throws an `input` error when this QEMU lacks something that the machine cannot do without. */
export function argvParts(spec: MachineSpec, features: QemuFeatures): ArgvPart[] {
  refuseUnable(spec, features);
  const chardevs = new Chardevs();
  const monitor = spec.monitor ? monitorParts(spec.monitor, chardevs) : [];
  const console_ = chardevs.add('console', spec.console, 'the host side of the console');
  const ports = spec.ports.map((port) => ({
    port,
    id: chardevs.add(`port${port.number}`, port.channel, `the host side of ${port.name}`),
  }));
  return [
    part(['-no-user-config'], 'read no configuration file: this line is the whole truth'),
    part(['-nodefaults'], 'no floppy, no network card, no VGA: only what is named here'),
    part(['-display', 'none'], 'no window'),
    part(['-no-reboot'], 'a guest that resets (a panic does, with panic=-1) ends QEMU instead of starting again'),
    ...sandboxParts(features),
    part(['-machine', machineValue(spec, features)], machineWhy(spec)),
    part(['-accel', spec.accelerator], acceleratorWhy(spec)),
    part(['-cpu', cpuModel(spec)], cpuWhy(spec)),
    part(['-smp', String(spec.cpus)], 'virtual CPUs'),
    part(['-m', `${spec.memoryMiB}M`], "the guest's memory; untouched pages cost the host nothing"),
    part(['-kernel', spec.kernel.path], kernelWhy(spec)),
    part(['-initrd', spec.initramfs], 'the root file system and its first process, one archive in memory'),
    part(['-append', spec.commandLine.join(' ')], "the kernel's command line"),
    ...chardevs.parts,
    part(['-serial', `chardev:${console_}`], 'the first serial port: where the kernel complains'),
    ...portParts(spec, ports),
    ...monitor,
  ];
}

/** The words after the program's name. */
export function argv(spec: MachineSpec, features: QemuFeatures): string[] {
  return argvParts(spec, features).flatMap(({ words }) => words);
}

function part(words: string[], why: string): ArgvPart {
  return { words, why };
}

function refuseUnable(spec: MachineSpec, features: QemuFeatures): void {
  const qemu = `${qemuName(spec)} ${features.version}`;
  const lacks = (what: string) =>
    new VlabError('host', `${qemu} has no ${what}`, { hint: 'install the full QEMU package of the distribution' });
  if (!features.machineTypes.has(spec.machine)) throw lacks(`machine type ${spec.machine}`);
  if (spec.accelerator === 'kvm' && !features.kvmBuiltIn) throw lacks('KVM support');
  const transport = serialBus(spec);
  if (spec.ports.length > 0 && !features.devices.has(transport)) throw lacks(`device ${transport}`);
}

/** QEMU itself is confined to what a machine without new files or processes needs. */
function sandboxParts(features: QemuFeatures): ArgvPart[] {
  if (!features.options.has('sandbox')) return [];
  return [
    part(
      ['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
      'a seccomp filter: QEMU may start no process and gain no privilege',
    ),
  ];
}

/** Properties to switch off where the machine has them: every device costs the guest a probe. */
const UNUSED: Record<MachineSpec['machine'], readonly string[]> = {
  q35: ['vmport=off', 'smm=off', 'sata=off', 'smbus=off', 'usb=off', 'i8042=off'],
  microvm: ['usb=off', 'pcie=off', 'x-option-roms=off'],
  virt: ['usb=off', 'graphics=off'],
};

function machineValue(spec: MachineSpec, features: QemuFeatures): string {
  const known = features.machineOptions[spec.machine] ?? new Set<string>();
  const own: string[] = [];
  if (spec.machine === 'microvm') own.push(`acpi=${spec.acpi ? 'on' : 'off'}`);
  if (spec.machine === 'virt') own.push(`gic-version=${spec.accelerator === 'kvm' ? 'host' : '3'}`);
  const off = UNUSED[spec.machine].filter((option) => known.has(option.slice(0, option.indexOf('='))));
  return [spec.machine, ...own, ...off].join(',');
}

function machineWhy(spec: MachineSpec): string {
  switch (spec.machine) {
    case 'q35':
      return 'a PC of 2009 with PCI Express and firmware, and without the parts that nobody here uses';
    case 'microvm':
      return spec.acpi
        ? 'a PC without PCI, disks or legacy devices; ACPI tables tell the kernel where the virtio-mmio slots are'
        : 'a PC without PCI, disks, legacy devices or ACPI; the virtio-mmio slots are told on the command line';
    case 'virt':
      return "QEMU's own ARM board: a device tree, a GIC and virtio";
  }
}

function acceleratorWhy({ accelerator }: MachineSpec): string {
  return accelerator === 'kvm'
    ? 'guest instructions run on the processor (hardware virtualization)'
    : 'guest instructions are translated in software: slow, and needs nothing from the host';
}

/** qemu64 has the least that a distribution's kernel wants; each further feature is more work for its start. */
function cpuModel({ accelerator, arch }: MachineSpec): string {
  if (accelerator === 'kvm') return 'host';
  return arch === 'aarch64' ? 'max' : 'qemu64';
}

function cpuWhy(spec: MachineSpec): string {
  return cpuModel(spec) === 'host' ? "the host's own processor model" : 'a processor that the translator knows well';
}

function kernelWhy({ kernel }: MachineSpec): string {
  switch (kernel.format) {
    case 'bzImage':
      return 'the compressed kernel; the guest unpacks it first';
    case 'pvh':
      return 'the kernel as an ELF file, entered at its PVH note: nothing to unpack';
    case 'Image':
      return 'the kernel';
  }
}

/** virtio over PCI, or over the memory-mapped slots of microvm. */
function serialBus({ machine }: MachineSpec): string {
  return machine === 'microvm' ? 'virtio-serial-device' : 'virtio-serial-pci';
}

function portParts(spec: MachineSpec, ports: { port: MachineSpec['ports'][number]; id: string }[]): ArgvPart[] {
  if (ports.length === 0) return [];
  const most = Math.max(...ports.map(({ port }) => port.number)) + 1;
  return [
    part(
      ['-device', `${serialBus(spec)},max_ports=${most}`],
      'virtio-serial: byte streams between guest and host without a network',
    ),
    ...ports.map(({ port, id }) =>
      part(
        ['-device', `virtserialport,nr=${port.number},name=${port.name},chardev=${id}`],
        `/dev/vport0p${port.number} in the guest`,
      ),
    ),
  ];
}

function monitorParts(channel: Channel, chardevs: Chardevs): ArgvPart[] {
  const id = chardevs.add('monitor', channel, 'the host side of the monitor');
  return [part(['-mon', `chardev=${id},mode=control`], 'QMP: commands, answers and events as JSON')];
}

/** Collects -add-fd and -chardev options; a descriptor is named in a set before the device that uses it. */
class Chardevs {
  readonly parts: ArgvPart[] = [];

  add(id: string, channel: Channel, why: string): string {
    this.parts.push(...this.descriptor(channel), part(['-chardev', this.value(id, channel)], why));
    return id;
  }

  private descriptor(channel: Channel): ArgvPart[] {
    if (channel.kind !== 'fd-out') return [];
    return [part(['-add-fd', `fd=${channel.fd},set=${channel.fd}`], `inherited descriptor ${channel.fd}, by a name`)];
  }

  private value(id: string, channel: Channel): string {
    switch (channel.kind) {
      case 'null':
        return `null,id=${id}`;
      case 'file':
        return `file,id=${id},path=${escapeCommas(channel.path)}`;
      case 'fd-out':
        // append: otherwise QEMU truncates, which a pipe cannot and a watcher of the file would take for output.
        return `file,id=${id},path=/dev/fdset/${channel.fd},append=on`;
      case 'fifo':
        return `pipe,id=${id},path=${escapeCommas(channel.path)}`;
      case 'socket':
        return `socket,id=${id},fd=${channel.fd}`;
      case 'listen':
        return `socket,id=${id},path=${escapeCommas(channel.path)},server=on,wait=off`;
    }
  }
}

/** In QEMU's option lists a comma ends a value and two commas are one. */
export function escapeCommas(value: string): string {
  return value.replaceAll(',', ',,');
}
