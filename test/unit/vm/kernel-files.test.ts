import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readBzImage } from '../../../src/vm/bzimage.js';
import { embeddedConfig } from '../../../src/vm/kernel.js';
import { decompressLz4Legacy } from '../../../src/vm/lz4-legacy.js';
import { moduleDependencies, withoutSignature } from '../../../src/vm/modinfo.js';

/** A bzImage with the fields that are read and this payload. */
function bzImage(payload: Buffer, changes: { magic?: number; protocol?: number } = {}): Buffer {
  const file = Buffer.alloc(2048);
  file.writeUInt8(1, 0x1f1); // setup: two sectors
  file.writeUInt32LE(changes.magic ?? 0x53726448, 0x202);
  file.writeUInt16LE(changes.protocol ?? 0x020f, 0x206);
  file.writeUInt16LE(0x100, 0x20e);
  file.write('6.1.0-test (builder) #1 SMP\0', 0x300);
  file.writeUInt32LE(16, 0x248);
  file.writeUInt32LE(payload.length, 0x24c);
  payload.copy(file, 1024 + 16);
  return file;
}

describe('readBzImage', () => {
  it('finds release, compression and payload', () => {
    const payload = Buffer.from('28b52ffd00010203', 'hex');
    expect(readBzImage(bzImage(payload), 'vmlinuz')).toEqual({ release: '6.1.0-test', compression: 'zstd', payload });
  });

  it('refuses other files, old protocols and unknown compressions', () => {
    expect(() => readBzImage(Buffer.from('#!/bin/sh\n'), '/bin/x')).toThrow('/bin/x is no Linux kernel');
    expect(() => readBzImage(bzImage(Buffer.alloc(8), { magic: 1 }), 'x')).toThrow('no Linux kernel');
    expect(() => readBzImage(bzImage(Buffer.alloc(8), { protocol: 0x0204 }), 'x')).toThrow('before 2008');
    expect(() => readBzImage(bzImage(Buffer.from('what is this')), 'x')).toThrow('compressed in a way');
  });
});

describe('embeddedConfig', () => {
  it('is found between its marks, and only there', () => {
    const elf = Buffer.concat([Buffer.from('ELF…IKCFG_ST'), gzipSync('CONFIG_PVH=y\n'), Buffer.from('IKCFG_ED…')]);
    expect(embeddedConfig(elf)?.get('PVH')).toBe('y');
    expect(embeddedConfig(Buffer.from('nothing'))).toBeUndefined();
  });
});

/** Blocks of an LZ4 legacy frame. */
function lz4(...blocks: number[][]): Buffer {
  const pieces = [Buffer.from([0x02, 0x21, 0x4c, 0x18])];
  for (const block of blocks) {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(block.length);
    pieces.push(size, Buffer.from(block));
  }
  return Buffer.concat(pieces);
}
const text = (value: string) => [...Buffer.from(value)];

describe('decompressLz4Legacy', () => {
  it('copies literals', () => {
    expect(decompressLz4Legacy(lz4([0x50, ...text('hello')])).toString()).toBe('hello');
  });

  it('repeats what was there, overlapping or not', () => {
    // "ab", then 8 bytes from 2 back, then "!".
    expect(decompressLz4Legacy(lz4([0x24, ...text('ab'), 2, 0, 0x10, ...text('!')])).toString()).toBe('ababababab!');
    // "abcdefgh", then 4 bytes from 8 back.
    expect(decompressLz4Legacy(lz4([0x80, ...text('abcdefgh'), 8, 0, 0x00])).toString()).toBe('abcdefghabcd');
  });

  it('reads long lengths', () => {
    const literals = 'x'.repeat(15 + 255 + 3);
    expect(decompressLz4Legacy(lz4([0xf0, 255, 3, ...text(literals)])).toString()).toBe(literals);
    const match = decompressLz4Legacy(lz4([0x1f, ...text('y'), 1, 0, 255, 1, 0x00]));
    expect(match.toString()).toBe('y'.repeat(1 + 4 + 15 + 255 + 1));
  });

  it('joins blocks and leaves out the size that a kernel build appends', () => {
    const frame = Buffer.concat([lz4([0x10, ...text('a')], [0x10, ...text('b')]), Buffer.from([0, 0, 0, 9])]);
    expect(decompressLz4Legacy(frame).toString()).toBe('ab');
  });

  it.each([
    ['another magic', Buffer.from('abcdefgh')],
    ['a literal beyond the block', lz4([0x90, ...text('ab')])],
    ['a match before the beginning', lz4([0x10, ...text('a'), 9, 0, 0x00])],
    ['a distance of zero', lz4([0x10, ...text('a'), 0, 0, 0x00])],
    ['a block that ends in a length', lz4([0xf0, 255])],
  ])('refuses %s', (_what, input) => {
    expect(() => decompressLz4Legacy(input)).toThrow(RangeError);
  });
});

/** A 64-bit ELF file with a section of that name and content. */
function elfWith(section: string, content: Buffer): Buffer {
  const names = Buffer.from(`\0.shstrtab\0${section}\0`);
  const header = Buffer.alloc(64);
  header.write('\x7fELF\x02', 'latin1');
  const at = 64 + names.length + content.length;
  header.writeBigUInt64LE(BigInt(at), 0x28);
  header.writeUInt16LE(64, 0x3a);
  header.writeUInt16LE(3, 0x3c);
  header.writeUInt16LE(1, 0x3e);
  const entry = (nameAt: number, from: number, bytes: number) => {
    const one = Buffer.alloc(64);
    one.writeUInt32LE(nameAt);
    one.writeBigUInt64LE(BigInt(from), 24);
    one.writeBigUInt64LE(BigInt(bytes), 32);
    return one;
  };
  const table = [entry(0, 0, 0), entry(1, 64, names.length), entry(11, 64 + names.length, content.length)];
  return Buffer.concat([header, names, content, ...table]);
}

describe('moduleDependencies', () => {
  it('are the module’s own depends=, with underscores', () => {
    const module = elfWith('.modinfo', Buffer.from('license=GPL\0depends=virtio_ring,virtio-pci-modern\0name=x\0'));
    expect(moduleDependencies(module, 'x')).toEqual(['virtio_ring', 'virtio_pci_modern']);
  });

  it('may be none', () => {
    expect(moduleDependencies(elfWith('.modinfo', Buffer.from('depends=\0')), 'x')).toEqual([]);
  });

  it('refuses what is no module', () => {
    for (const file of [Buffer.from('hello'), elfWith('.text', Buffer.from('code'))]) {
      expect(() => moduleDependencies(file, 'virtio')).toThrow('virtio is no kernel module');
    }
  });
});

describe('withoutSignature', () => {
  it('cuts off signature, description and mark', () => {
    const info = Buffer.alloc(12);
    info.writeUInt32BE(5, 8);
    const signed = Buffer.concat([
      Buffer.from('module'),
      Buffer.from('12345'),
      info,
      Buffer.from('~Module signature appended~\n'),
    ]);
    expect(withoutSignature(signed).toString()).toBe('module');
  });

  it('leaves an unsigned module as it is', () => {
    expect(withoutSignature(Buffer.from('module')).toString()).toBe('module');
  });
});
