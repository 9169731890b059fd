/**
 * Native parts are C files of the package, compiled at first use and cached by the digest of their source, so that an
 * installation whose install scripts are blocked works the same.
 */
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VlabError } from '../base/errors.js';
import { run } from '../base/exec.js';
import { makeWhole } from '../base/partial.js';
import { cacheDir, packageRoot } from '../base/paths.js';
import { ARCHITECTURES, type Arch, hostArch } from './abi.js';

export type NativeName = 'vlab-init' | 'vlab-front' | 'vlab-relay' | 'vlab-keep' | 'probe' | 'tsc-rate';

const SOURCES: Record<NativeName, string> = {
  'vlab-init': 'src/sys/vlab-init.c',
  'vlab-front': 'src/sys/vlab-front.c',
  'vlab-relay': 'src/sys/vlab-relay.c',
  'vlab-keep': 'src/sys/vlab-keep.c',
  probe: 'src/sys/probe.c',
  'tsc-rate': 'src/vm/tsc-rate.c',
};

const NATIVE_COMPILERS = ['cc', 'gcc', 'clang'];
const CROSS_COMPILERS: Record<Arch, string[]> = {
  x86_64: ['x86_64-linux-gnu-gcc'],
  aarch64: ['aarch64-linux-gnu-gcc'],
};

/** Files that a source includes, or whose binary it holds: what it is made from. */
const PARTS: Partial<Record<NativeName, string[]>> = {
  'vlab-init': ['src/sys/bare.h'],
  'vlab-front': ['src/sys/bare.h', 'src/sys/vlab-init.c'],
  'vlab-keep': ['src/sys/bare.h'],
};

/** Those without a C library. */
const FREESTANDING_PARTS: ReadonlySet<NativeName> = new Set(['vlab-init', 'vlab-front', 'vlab-keep']);

/** No C library, no start-up code, no position independence: see the head of bare.h. */
const FREESTANDING = [
  ...['-nostdlib', '-ffreestanding', '-fno-builtin', '-fno-tree-loop-distribute-patterns', '-fno-stack-protector'],
  ...['-fno-asynchronous-unwind-tables', '-fno-pie', '-no-pie', '-Wno-parentheses'],
];

/** What nativeDigests() says, put in by the build: no command reads the sources again. Not there in the checkout's own tests. */
declare const VLAB_NATIVE_DIGESTS: Record<NativeName, string> | undefined;

/** Where the C source of a native part is. */
export function nativeSource(name: NativeName): string {
  return join(packageRoot(), SOURCES[name]);
}

/** The first eight bytes of the SHA-256 of its sources: plan and performer must agree on it. */
export function initVersion(): bigint {
  return sourceDigest('vlab-init').version;
}

const digests = new Map<NativeName, { hex: string; version: bigint }>();

/** Read once in a process: each start asks for it, for the binary and for the plan. */
function sourceDigest(name: NativeName): { hex: string; version: bigint } {
  const known = digests.get(name);
  if (known) return known;
  const built = typeof VLAB_NATIVE_DIGESTS !== 'undefined';
  const hex = built ? VLAB_NATIVE_DIGESTS[name] : nativeDigest(name, packageRoot());
  const made = { hex, version: Buffer.from(hex, 'hex').readBigUInt64LE(0) };
  digests.set(name, made);
  return made;
}

/** Of all parts, from the sources in `root`. */
export function nativeDigests(root: string): Record<string, string> {
  return Object.fromEntries(Object.keys(SOURCES).map((name) => [name, nativeDigest(name as NativeName, root)]));
}

/** SHA-256 of what it is made from. */
function nativeDigest(name: NativeName, root: string): string {
  const hash = createHash('sha256');
  for (const part of [SOURCES[name], ...(PARTS[name] ?? [])]) hash.update(readFileSync(join(root, part)));
  return hash.digest('hex');
}

/** The compiler's arguments; pure, so that a reader can compile by hand what vlab compiles. */
export function compileArgs(
  name: NativeName,
  arch: Arch,
  version: bigint,
  source: string,
  output: string,
  defines: Readonly<Record<string, string>> = {},
): string[] {
  const common = ['-Os', '-std=gnu11', '-static', '-Wall', '-Wextra', '-Werror', '-Wl,-z,noexecstack,--build-id=none'];
  const bare = FREESTANDING_PARTS.has(name)
    ? [
        ...FREESTANDING,
        // x86_64: a process that goes on upon another stack makes no promise about its alignment.
        arch === 'aarch64' ? '-mno-outline-atomics' : '-mgeneral-regs-only',
      ]
    : [];
  const given = name === 'vlab-init' ? initDefines(arch, version) : [];
  const more = Object.entries(defines).map(([key, value]) => `-D${key}=${JSON.stringify(value)}`);
  return [...common, ...bare, ...given, ...more, '-s', '-o', output, source];
}

function initDefines(arch: Arch, version: bigint): string[] {
  return [`-DVLAB_VERSION=${version}UL`, `-DVLAB_MACHINE=${ARCHITECTURES[arch].machine}`];
}

/**
 * Path of the compiled native part; compiles it when the cache does not hold this source.
 * Error (`host`): no C compiler, or it failed (its first error line is quoted).
 */
export async function nativeBinary(name: NativeName, arch: Arch = hostArch()): Promise<string> {
  const { hex } = sourceDigest(name);
  const target = join(cacheDir(), 'native', `${name}-${arch}-${hex.slice(0, 16)}`);
  if (!existsSync(target)) await compileNative(name, arch, target);
  return target;
}

/**
 * Compiles a native part to `target`. `defines`: strings that are compiled in; vlab-front gets the vlab-init that it holds
 * by itself. Errors as nativeBinary.
 */
export async function compileNative(
  name: NativeName,
  arch: Arch,
  target: string,
  defines: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { version } = sourceDigest(name);
  const all = name === 'vlab-front' ? { VLAB_INIT: await nativeBinary('vlab-init', arch), ...defines } : defines;
  await compileWhole(target, `${SOURCES[name]} for ${arch}`, compilersFor(arch), (output) =>
    compileArgs(name, arch, version, nativeSource(name), output, all),
  );
}

/**
 * Compiles `what` into `target` with the first of the compilers that can. Two first uses at once both compile; either one
 * wins whole. Error (`host`): there is none, or all failed.
 */
export async function compileWhole(
  target: string,
  what: string,
  compilers: readonly string[],
  args: (output: string) => string[],
): Promise<void> {
  await makeWhole(target, async (partial) => {
    const said = await compileWithFirst(compilers, args(partial));
    if (said !== undefined) {
      throw new VlabError('host', `cannot compile ${what}: ${said}`, {
        hint: 'install a C compiler with a static C library (Debian: apt-get install gcc libc6-dev)',
      });
    }
    chmodSync(partial, 0o755);
  });
}

/** $CC goes before the usual ones of this machine. */
export function compilersFor(arch: Arch): string[] {
  if (arch !== hostArch()) return CROSS_COMPILERS[arch];
  const chosen = process.env.CC;
  return chosen ? [chosen, ...NATIVE_COMPILERS] : NATIVE_COMPILERS;
}

/** Undefined when one of them compiled it; otherwise what went wrong. */
async function compileWithFirst(compilers: readonly string[], args: string[]): Promise<string | undefined> {
  let said = `none of ${compilers.join(', ')} is installed`;
  for (const compiler of compilers) {
    try {
      const ran = await run(compiler, args);
      if (ran.exitCode === 0) return undefined;
      said = ran.stderr.split('\n').find((line) => line.includes('error')) ?? ran.stderr.trim();
    } catch {
      // Not installed: try the next.
    }
  }
  return said;
}
