/**
 * What a QEMU binary can do, as it says itself over QMP, never concluded from its version number: distributions patch
 * and configure their own.
 */
import type { MachineType } from './spec.js';

export interface QemuFeatures {
  /** For people and reports only. */
  version: string;
  machineTypes: ReadonlySet<string>;
  /** Properties of each machine type that it has (`hpet`, `i8042`). */
  machineOptions: Readonly<Partial<Record<MachineType, ReadonlySet<string>>>>;
  /** Names for -device. */
  devices: ReadonlySet<string>;
  /** Command-line options without the dash (`sandbox`). */
  options: ReadonlySet<string>;
  /** KVM was compiled in. Whether it works here is another question: prove-kvm.ts. */
  kvmBuiltIn: boolean;
}
