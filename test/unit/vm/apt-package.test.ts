import { describe, expect, it } from 'vitest';
import { parseAptRecord } from '../../../src/vm/apt-package.js';
import { BoundedTail } from '../../../src/vm/bounded-tail.js';
import { moduleCompression } from '../../../src/vm/decompress.js';
import { parseMachineHelp } from '../../../src/vm/probe-qemu.js';

const RECORD = `Package: linux-image-6.1.0-56-cloud-amd64
Source: linux-signed-amd64 (6.1.192+2)
Version: 6.1.192-2
Depends: kmod, linux-base (>= 4.3~), initramfs-tools (>= 0.120+deb8u2) | linux-initramfs-tool
Size: 26713492
SHA256: c0ffee
Description: Linux 6.1 for x86-64 cloud
 a longer text
 Version: not a field

Package: another
Version: 1
`;

describe('parseAptRecord', () => {
  it('reads the first record, and the first alternative of each dependency', () => {
    expect(parseAptRecord(RECORD)).toEqual({
      name: 'linux-image-6.1.0-56-cloud-amd64',
      version: '6.1.192-2',
      sha256: 'c0ffee',
      bytes: 26713492,
      depends: ['kmod', 'linux-base', 'initramfs-tools'],
    });
  });

  it('is undefined for what is no record', () => {
    expect(parseAptRecord('N: Unable to locate package x\n')).toBeUndefined();
  });
});

describe('moduleCompression', () => {
  it('goes by the name', () => {
    const found = ['a.ko', 'a.ko.xz', 'a.ko.zst', 'a.ko.gz', 'a.txt'].map(moduleCompression);
    expect(found).toEqual(['none', 'xz', 'zstd', 'gzip', undefined]);
  });
});

describe('BoundedTail', () => {
  it('keeps the end of what it got, whatever the pieces', () => {
    const tail = new BoundedTail(10);
    for (let i = 0; i < 1000; i++) tail.add(Buffer.from(`${i},`));
    expect(tail.text).toBe('8,997,998,999,'.slice(-10));
    tail.add(Buffer.from('x'.repeat(50)));
    expect(tail.text).toBe('x'.repeat(10));
  });
});

describe('parseMachineHelp', () => {
  it('reads property names and nothing else', () => {
    const text =
      'pc-q35-7.2-machine options:\n  acpi=<OnOffAuto>       - Enable ACPI\n  max-fw-size=<size>     - Maximum\nother=<x>\n';
    expect(parseMachineHelp(text)).toEqual(['acpi', 'max-fw-size']);
  });
});
