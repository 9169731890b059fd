import { describe, expect, it } from 'vitest';
import { argv, argvParts, escapeCommas } from '../../../src/vm/argv.js';
import { kernelWords } from '../../../src/vm/command-line.js';
import { showArgv } from '../../../src/vm/show-argv.js';
import type { MachineSpec } from '../../../src/vm/spec.js';
import { exampleSpec, QEMU_7_2 } from './example-spec.js';

/** One option a line, as the golden files have it. */
function lines(spec: MachineSpec): string {
  return `${argvParts(spec, QEMU_7_2)
    .map(({ words }) => words.join(' '))
    .join('\n')}\n`;
}

const MACHINES: Record<string, Partial<MachineSpec>> = {
  'q35-tcg': {},
  'q35-kvm': { accelerator: 'kvm', cpus: 4, memoryMiB: 2048, kernel: { path: '/boot/vmlinuz', format: 'bzImage' } },
  'microvm-acpi-tcg': { machine: 'microvm', acpi: true },
  'microvm-command-line-kvm': { machine: 'microvm', acpi: false, accelerator: 'kvm' },
  'virt-tcg': { arch: 'aarch64', machine: 'virt', kernel: { path: '/boot/Image', format: 'Image' } },
  'virt-kvm': {
    arch: 'aarch64',
    machine: 'virt',
    accelerator: 'kvm',
    kernel: { path: '/boot/Image', format: 'Image' },
  },
};

describe('argv', () => {
  for (const [name, changes] of Object.entries(MACHINES)) {
    it(`of ${name} is as agreed`, async () => {
      await expect(lines(exampleSpec(changes))).toMatchFileSnapshot(`golden/argv-${name}.txt`);
    });
  }

  it('gives every option a reason', () => {
    for (const { words, why } of argvParts(exampleSpec(), QEMU_7_2))
      expect(why.length, words.join(' ')).toBeGreaterThan(5);
  });

  it('leaves out what this QEMU does not have', () => {
    const plain = {
      ...QEMU_7_2,
      options: new Set<string>(),
      machineOptions: { q35: new Set(['sata']) },
    };
    const words = argv(exampleSpec(), plain);
    expect(words).not.toContain('-sandbox');
    expect(words).toContain('q35,sata=off');
  });

  it('has no monitor and no serial bus when none is asked for', () => {
    const words = argv(exampleSpec({ monitor: undefined, ports: [] }), QEMU_7_2);
    expect(words).not.toContain('-mon');
    expect(words.join(' ')).not.toContain('virtio-serial');
  });

  it('refuses what this QEMU cannot do, naming it', () => {
    const without = (changes: object) => () => argv(exampleSpec({ accelerator: 'kvm' }), { ...QEMU_7_2, ...changes });
    expect(without({ machineTypes: new Set(['pc']) })).toThrow('no machine type q35');
    expect(without({ kvmBuiltIn: false })).toThrow('no KVM support');
    expect(without({ devices: new Set() })).toThrow('no device virtio-serial-pci');
  });

  it('doubles commas in paths', () => {
    expect(escapeCommas('/a,b,,c')).toBe('/a,,b,,,,c');
  });
});

describe('showArgv', () => {
  it('reads like a lesson', async () => {
    const spec = exampleSpec();
    const text = showArgv(
      '/usr/bin/qemu-system-x86_64',
      argvParts(spec, QEMU_7_2),
      kernelWords(spec, 2_096_000, ['debug']),
      'there is no /dev/kvm',
    );
    await expect(text).toMatchFileSnapshot('golden/show-argv.txt');
  });

  it('quotes what a shell would take apart', () => {
    const text = showArgv('qemu', [{ words: ['-append', "it's quiet"], why: 'reason' }], [], '');
    expect(text).toContain(`-append 'it'\\''s quiet'`);
  });
});

describe('kernelWords', () => {
  it('names the serial port of the machine and puts the person’s own words last', () => {
    const words = (machine: MachineSpec['machine']) =>
      kernelWords({ machine }, undefined, ['mine=1']).map(({ word }) => word);
    expect(words('q35')[0]).toBe('console=ttyS0');
    expect(words('virt')[0]).toBe('console=ttyAMA0');
    expect(words('q35').at(-1)).toBe('mine=1');
  });
});
