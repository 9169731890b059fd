import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES, type CpioEntry, cpioArchive, cpioHeader } from '../../../src/vm/cpio.js';

const file = (name: string, changes: Partial<CpioEntry> = {}): CpioEntry => ({
  name: Buffer.from(name),
  mode: 0o100644,
  uid: 0,
  gid: 0,
  bytes: 0,
  inode: 1,
  links: 1,
  ...changes,
});

describe('cpioHeader', () => {
  it('is what cpio(5) says: magic, thirteen fields of eight digits, the name with a NUL, filled up to four bytes', () => {
    const header = cpioHeader(file('etc/passwd', { bytes: 0x1f, uid: 10, gid: 11, inode: 12, links: 2 }));
    expect(header.toString('latin1')).toBe(
      '070701' +
        '0000000C' + // inode
        '000081A4' + // mode
        '0000000A' + // uid
        '0000000B' + // gid
        '00000002' + // links
        '00000000' + // time
        '0000001F' + // size
        '0000000000000000' + // device
        '0000000000000000' + // device that it is
        '0000000B' + // length of the name
        '00000000' + // checksum
        'etc/passwd\0' +
        '\0\0\0',
    );
    expect(header.length % 4).toBe(0);
  });

  it('holds devices, and names that are not UTF-8', () => {
    const header = cpioHeader(
      file('', { name: Buffer.from([0xff, 0x2f, 0xfe]), mode: 0o020600, device: { major: 5, minor: 1 } }),
    );
    expect(header.subarray(78, 94).toString()).toBe('0000000500000001');
    expect(header.subarray(110, 113)).toEqual(Buffer.from([0xff, 0x2f, 0xfe]));
  });

  it('refuses what the format cannot hold', () => {
    expect(() => cpioHeader(file('a\0b'))).toThrow('NUL');
    expect(() => cpioHeader(file('big', { bytes: 2 ** 32 }))).toThrow('4 GiB');
  });
});

describe('cpioArchive', () => {
  it('is the entries, a trailer, and zeros up to a block', () => {
    const archive = cpioArchive([{ entry: file('a', { bytes: 3 }), content: Buffer.from('xyz') }]);
    expect(archive.length % BLOCK_BYTES).toBe(0);
    const text = archive.toString('latin1');
    expect(text.indexOf('xyz\0')).toBe(112);
    expect(text.indexOf('070701', 1)).toBe(116);
    expect(text).toContain('TRAILER!!!\0');
  });

  it('refuses a content that is not as long as its entry says', () => {
    expect(() => cpioArchive([{ entry: file('a', { bytes: 2 }), content: Buffer.from('xyz') }])).toThrow(
      '3 bytes, not 2',
    );
  });
});
