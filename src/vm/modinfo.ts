/** What a kernel module says of itself: the `.modinfo` section of its ELF file, `key=value` strings. Pure. */
import { VlabError } from '../base/errors.js';

const SECTION_HEADERS_AT = 0x28;
const SECTION_HEADER_BYTES = 0x3a;

/** Modules that must be loaded before it, by name. Throws an `operation` error for what is no 64-bit ELF module. */
export function moduleDependencies(module: Buffer, name: string): string[] {
  const depends = modinfo(module, name)
    .find((line) => line.startsWith('depends='))
    ?.slice('depends='.length);
  return (depends ?? '')
    .split(',')
    .filter((one) => one !== '')
    .map(moduleName);
}

/** Dashes and underscores are the same in module names. */
export function moduleName(name: string): string {
  return name.replaceAll('-', '_');
}

function modinfo(module: Buffer, name: string): string[] {
  const damaged = () => new VlabError('operation', `${name} is no kernel module (64-bit ELF with .modinfo)`);
  try {
    if (module.readUInt32BE(0) !== 0x7f454c46 || module[4] !== 2) throw damaged();
    const table = Number(module.readBigUInt64LE(SECTION_HEADERS_AT));
    const entryBytes = module.readUInt16LE(SECTION_HEADER_BYTES);
    const count = module.readUInt16LE(SECTION_HEADER_BYTES + 2);
    const section = (index: number) => {
      const at = table + index * entryBytes;
      return {
        nameAt: module.readUInt32LE(at),
        from: Number(module.readBigUInt64LE(at + 24)),
        bytes: Number(module.readBigUInt64LE(at + 32)),
      };
    };
    const names = section(module.readUInt16LE(SECTION_HEADER_BYTES + 4));
    for (let index = 0; index < count; index++) {
      const { nameAt, from, bytes } = section(index);
      const at = names.from + nameAt;
      if (module.subarray(at, module.indexOf(0, at)).toString('latin1') !== '.modinfo') continue;
      return module
        .subarray(from, from + bytes)
        .toString('latin1')
        .split('\0');
    }
  } catch (error) {
    if (error instanceof RangeError) throw damaged();
    throw error;
  }
  throw damaged();
}

/** The signature that distributions append: the kernel checks it, in software, on every load. */
const SIGNATURE_MARK = '~Module signature appended~\n';
const SIGNATURE_INFO_BYTES = 12;

/** The module without its appended signature (struct module_signature, kernel/module_signature.h); unsigned ones as they are. */
export function withoutSignature(module: Buffer): Buffer {
  const markAt = module.length - SIGNATURE_MARK.length;
  if (markAt < SIGNATURE_INFO_BYTES || module.subarray(markAt).toString('latin1') !== SIGNATURE_MARK) return module;
  const signatureBytes = module.readUInt32BE(markAt - 4);
  return module.subarray(0, Math.max(0, markAt - SIGNATURE_INFO_BYTES - signatureBytes));
}
