/** The guest kernel's command line, each word with its reason. Pure. Source: Documentation/admin-guide/kernel-parameters.txt. */
import type { MachineSpec } from './spec.js';

export interface KernelWord {
  word: string;
  why: string;
}

export function kernelWords(
  spec: Pick<MachineSpec, 'machine' | 'accelerator'>,
  extra: readonly string[] = [],
): KernelWord[] {
  return [
    { word: `console=${spec.machine === 'virt' ? 'ttyAMA0' : 'ttyS0'}`, why: 'complain on the first serial port' },
    { word: 'quiet', why: 'print only warnings and worse: each byte on a serial port is an exit from the guest' },
    { word: 'panic=-1', why: 'reset at once on a panic; -no-reboot makes that the end of QEMU' },
    { word: 'reboot=t', why: 'reset by a triple fault, which needs no device' },
    ...(spec.machine === 'virt' ? [] : [{ word: 'no_timer_check', why: 'the timer of a virtual machine works' }]),
    ...extra.map((word) => ({ word, why: 'asked for' })),
  ];
}
