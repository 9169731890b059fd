/**
 * Guest kernels: found in vlab's cache, at a path, or in the host's /boot; never built or installed here. A kernel is an
 * image with its configuration and its modules.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { errnoOf, messageOf, VlabError } from '../base/errors.js';
import { writeWhole } from '../base/partial.js';
import { cacheDir } from '../base/paths.js';
import { type Arch, hostArch } from '../sys/abi.js';
import { isElf, readBzImage } from './bzimage.js';
import { decompress } from './decompress.js';
import { hasPvhEntry, type KernelConfig, parseKernelConfig } from './kernel-config.js';
import type { KernelImage } from './spec.js';

export interface GuestKernel {
  release: string;
  arch: Arch;
  /** The best form of it that this machine can start. */
  image: KernelImage;
  /** Digest of the file as it was packaged, hexadecimal SHA-256. */
  sha256: string;
  config: KernelConfig;
  /** lib/modules/RELEASE, where there is one. */
  modulesDir: string | undefined;
  /** For reports: `package linux-image-… 6.1.192-2`, or the path. */
  origin: string;
}

/** kernel.json beside an unpacked package. */
export interface KernelRecord {
  package: string;
  version: string;
  release: string;
  arch: Arch;
  /** Below the record's directory. */
  image: string;
  imageSha256: string;
  /** The downloaded packages with the digests that the archive's signed index gave for them. */
  archives: { file: string; sha256: string }[];
  pulledAt: string;
}

export function kernelsDir(): string {
  return join(cacheDir(), 'kernels');
}

/** The kernels in the cache, newest first. */
export async function cachedKernels(): Promise<{ folder: string; record: KernelRecord }[]> {
  const names = await readdir(kernelsDir()).catch(() => []);
  const found: { folder: string; record: KernelRecord }[] = [];
  for (const name of names) {
    const folder = join(kernelsDir(), name);
    const text = await readFile(join(folder, 'kernel.json'), 'utf8').catch(() => undefined);
    if (text !== undefined) found.push({ folder, record: JSON.parse(text) as KernelRecord });
  }
  return found.sort((a, b) => b.record.pulledAt.localeCompare(a.record.pulledAt));
}

const PULL_HINT = 'run `vlab kernel pull`, or name one with --kernel PATH';

/**
 * The kernel to start: `choice` (a path, or the package or release of a cached one), else $VLAB_KERNEL, else the newest in
 * the cache, else the host's own where it can be read. Errors: `host`: there is none; `input`: the choice is no kernel.
 */
export async function findKernel(choice = process.env.VLAB_KERNEL): Promise<GuestKernel> {
  if (choice?.includes('/')) return kernelAtPath(choice);
  const cached = await cachedKernels();
  const chosen = choice
    ? cached.find(({ record }) => record.package === choice || record.release === choice)
    : cached.find(({ record }) => record.arch === hostArch());
  if (chosen) return cachedKernel(chosen.folder, chosen.record);
  if (choice) {
    const known = cached.map(({ record }) => record.release).join(', ') || 'none';
    throw new VlabError('input', `there is no kernel ${choice} in the cache; there: ${known}`, { hint: PULL_HINT });
  }
  const hosts = await hostKernelPath();
  if (hosts) return kernelAtPath(hosts);
  throw new VlabError('host', 'there is no guest kernel: the cache has none, and the host has none that can be read', {
    hint: PULL_HINT,
  });
}

async function cachedKernel(folder: string, record: KernelRecord): Promise<GuestKernel> {
  const path = join(folder, record.image);
  const file = await readImage(path);
  const sha256 = digestOf(file);
  if (sha256 !== record.imageSha256) {
    throw new VlabError('operation', `${path} is not the file that was unpacked: its digest has changed`, {
      hint: `remove ${folder} and run \`vlab kernel pull\``,
    });
  }
  const config = parseKernelConfig(await readFile(join(folder, 'boot', `config-${record.release}`), 'utf8'));
  return {
    release: record.release,
    arch: record.arch,
    image: await bestImage(path, file, sha256, config, record.arch),
    sha256,
    config,
    modulesDir: firstDirectory([
      join(folder, 'lib/modules', record.release),
      join(folder, 'usr/lib/modules', record.release),
    ]),
    origin: `package ${record.package} ${record.version}`,
  };
}

/** A kernel image anywhere. Its configuration is looked for beside it, in its modules directory, and inside it. */
export async function kernelAtPath(path: string): Promise<GuestKernel> {
  const file = await readImage(path);
  const arch = hostArch();
  const sha256 = digestOf(file);
  const named = /^vmlinu[xz]-(.+)$/.exec(basename(path))?.[1];
  const release = arch === 'x86_64' && !isElf(file) ? readBzImage(file, path).release : (named ?? '');
  const roots = [join(dirname(path), '..'), '/', '/usr'];
  const modulesDir = release ? firstDirectory(roots.map((root) => join(root, 'lib/modules', release))) : undefined;
  const config = await configOf(path, file, release, modulesDir, arch);
  return {
    release: release || basename(path),
    arch,
    image: await bestImage(path, file, sha256, config, arch),
    sha256,
    config,
    modulesDir,
    origin: path,
  };
}

async function readImage(path: string): Promise<Buffer> {
  return readFile(path).catch((error: unknown) => {
    throw new VlabError('input', `cannot read the kernel ${path}: ${errnoOf(error) ?? messageOf(error)}`, {
      cause: error,
      hint: 'some distributions let only root read /boot: copy the file, or run `vlab kernel pull`',
    });
  });
}

/** The newest readable kernel in /boot with its configuration beside it. */
async function hostKernelPath(): Promise<string | undefined> {
  const names = (await readdir('/boot').catch(() => [])).filter((name) => name.startsWith('vmlinuz-'));
  names.sort((a, b) => b.localeCompare(a, undefined, { numeric: true }));
  for (const name of names) {
    const path = join('/boot', name);
    const readable = await readFile(path).catch(() => undefined);
    if (readable && existsSync(join('/boot', `config-${name.slice('vmlinuz-'.length)}`))) return path;
  }
  return undefined;
}

async function configOf(
  path: string,
  file: Buffer,
  release: string,
  modulesDir: string | undefined,
  arch: Arch,
): Promise<KernelConfig> {
  const places = [
    `${path}.config`,
    ...(release ? [join(dirname(path), `config-${release}`), join('/boot', `config-${release}`)] : []),
    ...(modulesDir ? [join(modulesDir, 'config')] : []),
  ];
  for (const place of places) {
    const text = await readFile(place, 'utf8').catch(() => undefined);
    if (text !== undefined) return parseKernelConfig(text);
  }
  const inside = embeddedConfig(isElf(file) || arch !== 'x86_64' ? file : await elfInside(path, file));
  if (inside) return inside;
  throw new VlabError('input', `cannot tell what the kernel ${path} can do: its configuration is not there`, {
    hint: `put it at ${places[0]}`,
  });
}

/** CONFIG_IKCONFIG: a gzip member between two marks (kernel/configs.c). */
export function embeddedConfig(elf: Buffer): KernelConfig | undefined {
  const from = elf.indexOf('IKCFG_ST');
  const to = elf.indexOf('IKCFG_ED', from);
  if (from < 0 || to < 0) return undefined;
  return parseKernelConfig(gunzipSync(elf.subarray(from + 8, to)).toString('utf8'));
}

async function elfInside(path: string, file: Buffer): Promise<Buffer> {
  const { payload, compression } = readBzImage(file, path);
  return decompress(payload, compression, path);
}

/** On x86 the ELF file with a PVH entry if there is one, extracted once; a kernel without is started as it is. */
async function bestImage(
  path: string,
  file: Buffer,
  sha256: string,
  config: KernelConfig,
  arch: Arch,
): Promise<KernelImage> {
  if (arch === 'aarch64') return { path, format: 'Image' };
  if (isElf(file)) return { path, format: 'pvh' };
  if (!hasPvhEntry(config)) return { path, format: 'bzImage' };
  const target = join(kernelsDir(), 'extracted', `${sha256.slice(0, 32)}.vmlinux`);
  if (existsSync(target)) return { path: target, format: 'pvh' };
  const elf = await elfInside(path, file).catch(() => undefined);
  // Without the decompressor's command the guest unpacks it by itself: slower, not wrong.
  if (!elf || !isElf(elf)) return { path, format: 'bzImage' };
  await writeWhole(target, elf);
  return { path: target, format: 'pvh' };
}

export function digestOf(file: Uint8Array): string {
  return createHash('sha256').update(file).digest('hex');
}

function firstDirectory(paths: string[]): string | undefined {
  return paths.find((path) => existsSync(path));
}
