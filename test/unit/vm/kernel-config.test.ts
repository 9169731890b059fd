import { describe, expect, it } from 'vitest';
import { hasPvhEntry, kernelFit, parseKernelConfig } from '../../../src/vm/kernel-config.js';

/** The part that matters of Debian's cloud kernel. */
const DEBIAN_CLOUD = `
# Automatically generated file; DO NOT EDIT.
CONFIG_CC_VERSION_TEXT="gcc-12 (Debian 12.2.0)"
CONFIG_BLK_DEV_INITRD=y
CONFIG_DEVTMPFS=y
CONFIG_PROC_FS=y
CONFIG_SYSFS=y
CONFIG_TMPFS=y
CONFIG_INOTIFY_USER=y
CONFIG_MODULES=y
CONFIG_ACPI=y
CONFIG_PCI=y
CONFIG_PVH=y
CONFIG_SERIAL_8250_CONSOLE=y
CONFIG_VIRTIO_PCI=m
CONFIG_VIRTIO_MMIO=m
# CONFIG_VIRTIO_MMIO_CMDLINE_DEVICES is not set
CONFIG_VIRTIO_CONSOLE=m
`;
const without = (option: string) => DEBIAN_CLOUD.replace(new RegExp(`^CONFIG_${option}=.*\n`, 'm'), '');
const withLine = (line: string) => `${DEBIAN_CLOUD}${line}\n`;

describe('parseKernelConfig', () => {
  it('reads values, strings without their quotes, and leaves out what is not set', () => {
    const config = parseKernelConfig(DEBIAN_CLOUD);
    expect(config.get('VIRTIO_PCI')).toBe('m');
    expect(config.get('CC_VERSION_TEXT')).toBe('gcc-12 (Debian 12.2.0)');
    expect(config.has('VIRTIO_MMIO_CMDLINE_DEVICES')).toBe(false);
    expect(hasPvhEntry(config)).toBe(true);
  });
});

describe('kernelFit', () => {
  it('Debian’s kernel runs on q35 with modules', () => {
    expect(kernelFit(parseKernelConfig(DEBIAN_CLOUD), 'q35')).toEqual({
      fits: true,
      acpi: false,
      modules: ['virtio_pci', 'virtio_console'],
    });
  });

  it('and on microvm only by ACPI, since it knows no devices of the command line', () => {
    expect(kernelFit(parseKernelConfig(DEBIAN_CLOUD), 'microvm')).toEqual({
      fits: true,
      acpi: true,
      modules: ['virtio_mmio', 'virtio_console'],
    });
  });

  it('a kernel with built-in drivers needs neither modules nor ACPI', () => {
    const text = DEBIAN_CLOUD.replaceAll('=m', '=y').replace('CONFIG_MODULES=y\n', '');
    const config = parseKernelConfig(`${text}CONFIG_VIRTIO_MMIO_CMDLINE_DEVICES=y\n`);
    expect(kernelFit(config, 'microvm')).toEqual({ fits: true, acpi: false, modules: [] });
  });

  it('devices of the command line are of no use to a driver that is a module', () => {
    const config = parseKernelConfig(withLine('CONFIG_VIRTIO_MMIO_CMDLINE_DEVICES=y'));
    expect(kernelFit(config, 'microvm')).toMatchObject({ acpi: true });
  });

  it.each([
    ['q35', 'VIRTIO_PCI'],
    ['q35', 'DEVTMPFS'],
    ['q35', 'VIRTIO_CONSOLE'],
    ['microvm', 'VIRTIO_MMIO'],
    ['microvm', 'SERIAL_8250_CONSOLE'],
  ] as const)('on %s, a kernel without %s is refused by that name', (machine, option) => {
    const fit = kernelFit(parseKernelConfig(without(option)), machine);
    if (fit.fits) throw new Error('it was taken');
    expect(fit.lacks.map((lack) => lack.option).join()).toContain(`CONFIG_${option}`);
    expect(fit.lacks.every(({ why }) => why.length > 10)).toBe(true);
  });

  it('modules need CONFIG_MODULES', () => {
    const fit = kernelFit(parseKernelConfig(without('MODULES')), 'q35');
    expect(fit).toMatchObject({ fits: false, lacks: [{ option: 'CONFIG_MODULES=y' }] });
  });

  it('names everything that is missing at once', () => {
    const fit = kernelFit(parseKernelConfig(''), 'virt');
    expect(fit.fits ? [] : fit.lacks.map(({ option }) => option)).toContain('CONFIG_PCI_HOST_GENERIC=y');
    expect(fit.fits ? 0 : fit.lacks.length).toBeGreaterThan(8);
  });
});
