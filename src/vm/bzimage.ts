/** The bzImage format of x86 kernels (Documentation/arch/x86/boot.rst). Pure. */
import { VlabError } from '../base/errors.js';

export type Compression = 'gzip' | 'bzip2' | 'lzma' | 'xz' | 'lzo' | 'lz4' | 'zstd' | 'none';

export interface BzImage {
  /** `6.1.0-56-cloud-amd64`. */
  release: string;
  compression: Compression;
  /** The compressed ELF file, without the size that the build appends. */
  payload: Buffer;
}

const HEADER_MAGIC = 0x53726448; // "HdrS" at 0x202
const SECTOR = 512;
/** Setup headers from protocol 2.08 on say where the payload is. */
const PAYLOAD_PROTOCOL = 0x0208;

const MAGICS: readonly (readonly [hex: string, Compression])[] = [
  ['1f8b', 'gzip'],
  ['425a68', 'bzip2'],
  ['5d0000', 'lzma'],
  ['fd377a585a00', 'xz'],
  ['894c5a4f', 'lzo'],
  ['02214c18', 'lz4'],
  ['28b52ffd', 'zstd'],
  ['7f454c46', 'none'],
];

export function isElf(file: Buffer): boolean {
  return file.subarray(0, 4).toString('latin1') === '\x7fELF';
}

/** Throws an `input` error when it is not a bzImage or one of a form that is not known. */
export function readBzImage(file: Buffer, name: string): BzImage {
  if (file.length < 0x268 || file.readUInt32LE(0x202) !== HEADER_MAGIC) {
    throw new VlabError('input', `${name} is no Linux kernel that a PC boots (bzImage)`, {
      hint: 'name a file like /boot/vmlinuz-… or leave --kernel away',
    });
  }
  if (file.readUInt16LE(0x206) < PAYLOAD_PROTOCOL) {
    throw new VlabError('input', `${name} is a kernel from before 2008 (boot protocol below 2.08)`);
  }
  const setupBytes = ((file.readUInt8(0x1f1) || 4) + 1) * SECTOR;
  const at = setupBytes + file.readUInt32LE(0x248);
  const payload = file.subarray(at, at + file.readUInt32LE(0x24c));
  const magic = MAGICS.find(([hex]) => payload.subarray(0, hex.length / 2).toString('hex') === hex);
  if (!magic) throw new VlabError('input', `${name} is compressed in a way that is not known`);
  return { release: releaseOf(file), compression: magic[1], payload };
}

/** The version text that the header points at: release, then builder and date. */
function releaseOf(file: Buffer): string {
  const at = file.readUInt16LE(0x20e) + 0x200;
  const end = file.indexOf(0, at);
  return (
    file
      .subarray(at, end < 0 ? at : end)
      .toString('latin1')
      .split(' ')[0] ?? ''
  );
}
