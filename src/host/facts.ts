import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import systeminformation from 'systeminformation';
import { type CgroupLayout, readCgroupLayout } from './cgroup-layout.js';
import { pickKernelParameters, readChosen } from './facts-from-text.js';

/**
 * What this machine is, as far as it bears on measurements. Written into every run's manifest. It holds no host name, no
 * serial number and no address, so that a manifest can be published. A fact that this machine does not show is null.
 */
export interface HostFacts {
  os: { distribution: string; version: string; codename: string };
  kernel: { release: string; arch: string; parameters: string[] };
  /** proc(5), /proc/sys/kernel/random/boot_id: changes with every boot. */
  bootId: string | null;
  cpu: {
    vendor: string;
    /** As /proc/cpuinfo names it. */
    model: string;
    logicalCpus: number;
    physicalCores: number;
    sockets: number;
    microcode: string | null;
    /** cpufreq governor of CPU 0. */
    governor: string | null;
    /** `on`, `off`, `notsupported`, … as /sys/devices/system/cpu/smt/control says. */
    smt: string | null;
    /** The CPU offers hardware virtualization to this kernel: `svm` (AMD), `vmx` (Intel). */
    virtualization: 'svm' | 'vmx' | null;
    /** By name of the vulnerability, only those that this CPU has. */
    mitigations: Record<string, string>;
  };
  memory: {
    totalBytes: number;
    swapBytes: number;
    transparentHugePages: string | null;
    /** Kernel samepage merging runs. */
    samepageMerging: boolean | null;
  };
  /** A hypervisor runs below this kernel (cpuid), and who says so where that is known. */
  hypervisor: { present: boolean; name: string | null };
  clocksource: string | null;
  cgroups: { layout: CgroupLayout['layout']; versions: Record<string, 1 | 2> };
}

/** Reads the facts; about 0.2 s, because only systeminformation's quick inventories are asked. */
export async function hostFacts(): Promise<HostFacts> {
  const [os, cpu, memory] = await Promise.all([
    systeminformation.osInfo(),
    systeminformation.cpu(),
    systeminformation.mem(),
  ]);
  const cpuinfo = readFileSync('/proc/cpuinfo', 'utf8');
  const flags = cpu.flags.split(' ');
  const layout = readCgroupLayout();
  const ksm = readLine('/sys/kernel/mm/ksm/run');
  return {
    os: { distribution: os.distro, version: os.release, codename: os.codename },
    kernel: {
      release: os.kernel,
      arch: os.arch,
      parameters: pickKernelParameters(readLine('/proc/cmdline') ?? ''),
    },
    bootId: readLine('/proc/sys/kernel/random/boot_id'),
    cpu: {
      vendor: cpu.vendor,
      model: fieldOf(cpuinfo, 'model name') ?? `${cpu.manufacturer} ${cpu.brand}`,
      logicalCpus: cpu.cores,
      physicalCores: cpu.physicalCores,
      sockets: cpu.processors,
      microcode: fieldOf(cpuinfo, 'microcode'),
      governor: readLine('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor'),
      smt: readLine('/sys/devices/system/cpu/smt/control'),
      virtualization: flags.includes('svm') ? 'svm' : flags.includes('vmx') ? 'vmx' : null,
      mitigations: mitigationsOf('/sys/devices/system/cpu/vulnerabilities'),
    },
    memory: {
      totalBytes: memory.total,
      swapBytes: memory.swaptotal,
      transparentHugePages: readChosen(readLine('/sys/kernel/mm/transparent_hugepage/enabled')),
      samepageMerging: ksm === null ? null : ksm !== '0',
    },
    hypervisor: {
      present: flags.includes('hypervisor'),
      name: readLine('/sys/hypervisor/type') ?? readLine('/sys/class/dmi/id/sys_vendor'),
    },
    clocksource: readLine('/sys/devices/system/clocksource/clocksource0/current_clocksource'),
    cgroups: {
      layout: layout.layout,
      versions: Object.fromEntries(Object.entries(layout.controllers).map(([name, { version }]) => [name, version])),
    },
  };
}

function readLine(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null; // a kernel without this file has no such fact to tell
  }
}

function fieldOf(cpuinfo: string, field: string): string | null {
  return new RegExp(`^${field}\\s*: (.*)$`, 'm').exec(cpuinfo)?.[1] ?? null;
}

/** Vulnerabilities of this CPU and what the kernel does about them; those that do not affect it are left out. */
export function mitigationsOf(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of listOrEmpty(folder).sort()) {
    const state = readFileSync(join(folder, name), 'utf8').trim();
    if (state !== 'Not affected') found[name] = state;
  }
  return found;
}

function listOrEmpty(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
