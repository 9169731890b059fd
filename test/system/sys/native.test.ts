// Native parts compile at first use, for this machine and for aarch64. Needs a C compiler, and the cross compiler by name.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { VlabError } from '../../../src/base/errors.js';
import { ARCHITECTURES, type Arch, hostArch } from '../../../src/sys/abi.js';
import { nativeBinary } from '../../../src/sys/native.js';
import { needs } from '../../skips.js';
import { hasCompiler } from '../../unit/sys/compile-c.js';

const before = process.env.VLAB_CACHE_DIR;
let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'vlab-c'));
  process.env.VLAB_CACHE_DIR = cache;
});
afterEach(() => {
  if (before === undefined) delete process.env.VLAB_CACHE_DIR;
  else process.env.VLAB_CACHE_DIR = before;
  rmSync(cache, { recursive: true });
});

/** elf(5): e_type at 16, e_machine at 18, e_phoff at 32, e_phentsize at 54, e_phnum at 56. */
function elfOf(path: string) {
  const elf = readFileSync(path);
  const headers = Array.from({ length: elf.readUInt16LE(56) }, (_, index) =>
    elf.readUInt32LE(Number(elf.readBigUInt64LE(32)) + index * elf.readUInt16LE(54)),
  );
  const [PT_DYNAMIC, PT_INTERP] = [2, 3];
  return {
    magic: elf.toString('latin1', 1, 4),
    executable: elf.readUInt16LE(16) === 2,
    machine: elf.readUInt16LE(18),
    needsLoader: headers.includes(PT_INTERP) || headers.includes(PT_DYNAMIC),
  };
}

const expected = (arch: Arch) => ({
  magic: 'ELF',
  executable: true,
  machine: ARCHITECTURES[arch].machine,
  needsLoader: false,
});

describe('vlab-init', () => {
  it('compiles to a small static program, once', async () => {
    const path = await nativeBinary('vlab-init');
    expect(elfOf(path)).toEqual(expected(hostArch()));
    expect(statSync(path).size).toBeLessThan(16_384);
    const { mtimeNs } = statSync(path, { bigint: true });
    expect(await nativeBinary('vlab-init')).toBe(path);
    expect(statSync(path, { bigint: true }).mtimeNs).toBe(mtimeNs);
  });

  it('cross-compiles for aarch64', async (context) => {
    needs(context, 'aarch64 compiler', hasCompiler('aarch64-linux-gnu-gcc'));
    const path = await nativeBinary('vlab-init', 'aarch64');
    expect(elfOf(path)).toEqual(expected('aarch64'));
  });

  it('is compiled by two first uses at once without either seeing half of it', async () => {
    const paths = await Promise.all([1, 2, 3].map(() => nativeBinary('vlab-init')));
    expect(new Set(paths).size).toBe(1);
    expect(readdirSync(join(cache, 'native'))).toHaveLength(1);
  });

  it('says what to install when there is no compiler', async () => {
    const { PATH: path, CC: compiler } = process.env;
    process.env.PATH = cache;
    delete process.env.CC;
    try {
      const error: VlabError = await nativeBinary('vlab-init').then(
        () => expect.fail('it compiled'),
        (thrown) => thrown,
      );
      expect([error.blame, error.message, error.hint]).toEqual([
        'host',
        'cannot compile src/sys/vlab-init.c for x86_64: none of cc, gcc, clang is installed'.replace(
          'x86_64',
          hostArch(),
        ),
        'install a C compiler with a static C library (Debian: apt-get install gcc libc6-dev)',
      ]);
    } finally {
      process.env.PATH = path;
      if (compiler !== undefined) process.env.CC = compiler;
    }
    expect(readdirSync(join(cache, 'native'))).toEqual([]);
  });
});

describe('the other native parts', () => {
  it.each(['vlab-relay', 'probe'] as const)('%s compiles to a static program', async (name) => {
    expect(elfOf(await nativeBinary(name))).toEqual(expected(hostArch()));
  });
});
