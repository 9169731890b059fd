/** The guest kernel's command line, each word with its reason. Pure. Source: Documentation/admin-guide/kernel-parameters.txt. */
import type { MachineSpec } from './spec.js';

export interface KernelWord {
  word: string;
  why: string;
}

/** `tscKhz`: what the guest's time-stamp counter counts, where it is known and the guest has no better way to learn it. */
export function kernelWords(
  spec: Pick<MachineSpec, 'machine'>,
  tscKhz: number | undefined,
  extra: readonly string[] = [],
): KernelWord[] {
  return [
    { word: `console=${spec.machine === 'virt' ? 'ttyAMA0' : 'ttyS0'}`, why: 'complain on the first serial port' },
    { word: 'quiet', why: 'print only warnings and worse: each byte on a serial port is an exit from the guest' },
    { word: 'panic=-1', why: 'reset at once on a panic; -no-reboot makes that the end of QEMU' },
    {
      word: 'cryptomgr.notests',
      why: 'leave out the self-tests of ciphers, a seventh of the whole start by emulation',
    },
    ...(spec.machine === 'virt' ? [] : PC_WORDS),
    ...(tscKhz === undefined ? [] : [{ word: `tsc_early_khz=${tscKhz}`, why: TSC_WHY }]),
    ...extra.map((word) => ({ word, why: 'asked for' })),
  ];
}

const PC_WORDS: KernelWord[] = [
  { word: 'reboot=t', why: 'reset by a triple fault, which needs no device' },
  { word: 'no_timer_check', why: 'the timer of a virtual machine works' },
  {
    word: 'noreplace-smp',
    why: 'rewrite no lock instructions for a single processor: that costs more than it saves here',
  },
];

const TSC_WHY =
  "the processor's own clock rate: measuring it takes a timer, and on a busy host the guest may get it wrong and hang";
