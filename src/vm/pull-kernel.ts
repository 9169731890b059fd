/**
 * Downloads the distribution's kernel package and unpacks it into vlab's cache. Nothing is installed: the host's boot
 * loader, /boot and /lib/modules are not touched, and no root is needed.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VlabError } from '../base/errors.js';
import { mustRun, run } from '../base/exec.js';
import { makeWhole } from '../base/partial.js';
import { type Arch, hostArch } from '../sys/abi.js';
import { type AptPackage, aptPackage, kernelDependencies } from './apt-package.js';
import { cachedKernels, digestOf, type KernelRecord, kernelsDir } from './kernel.js';

/** In order of preference: the kernels that are built for virtual machines are smaller and start sooner. */
const PACKAGES: Record<Arch, string[]> = {
  x86_64: ['linux-image-cloud-amd64', 'linux-image-virtual', 'linux-image-amd64', 'linux-image-generic'],
  aarch64: ['linux-image-cloud-arm64', 'linux-image-virtual', 'linux-image-arm64', 'linux-image-generic'],
};

/** Where there is no apt: the line that installs a kernel whose files vlab can then be pointed at. */
const ELSEWHERE: readonly (readonly [command: string, line: string])[] = [
  ['dnf', 'dnf download kernel-core kernel-modules-core && rpm2cpio … | cpio -id, then --kernel PATH/vmlinuz'],
  ['pacman', 'pacman -Sw linux, unpack the package, then --kernel PATH/vmlinuz'],
  ['apk', 'apk fetch linux-virt, unpack the package, then --kernel PATH/vmlinuz-virt'],
  ['zypper', 'zypper --pkg-cache-dir DIR download kernel-default, unpack the package, then --kernel PATH/vmlinuz'],
];

/**
 * Pulls `name` (a package), or the first of the usual ones that the package lists know. One that is already in the cache in
 * the lists' newest version is not downloaded again. `tell` gets a line before each thing that takes time.
 * Errors: `host`: no apt, no package lists, no network; `operation`: a digest does not match.
 */
export async function pullKernel(name: string | undefined, tell: (line: string) => void): Promise<KernelRecord> {
  await refuseWithoutApt();
  const meta = await firstKnown(name ? [name] : PACKAGES[hostArch()]);
  const packages = await kernelDependencies(meta);
  const main = packages.find((one) => /^linux-image-.*\d/.test(one.name)) ?? meta;
  const known = (await cachedKernels()).find(
    ({ record }) => record.package === main.name && record.version === main.version,
  );
  if (known) {
    tell(`${main.name} ${main.version} is in the cache already`);
    return known.record;
  }
  const folder = join(kernelsDir(), `${main.name}_${main.version.replaceAll(/[^\w.+~-]/g, '_')}`);
  return makeWhole(folder, async (partial) => {
    await mkdir(partial);
    for (const one of packages) await downloadAndUnpack(one, partial, tell);
    const record = await recordOf(partial, main, packages);
    await writeFile(join(partial, 'kernel.json'), `${JSON.stringify(record, null, 2)}\n`);
    await rm(folder, { recursive: true, force: true });
    return record;
  });
}

async function refuseWithoutApt(): Promise<void> {
  const missing = async (command: string) => {
    try {
      await run(command, ['--version']);
      return false;
    } catch {
      return true;
    }
  };
  if (!(await missing('apt-get')) && !(await missing('dpkg-deb'))) return;
  const line = [];
  for (const [command, how] of ELSEWHERE) if (!(await missing(command))) line.push(how);
  throw new VlabError('host', 'vlab can pull kernels on Debian and Ubuntu only (apt-get and dpkg-deb)', {
    hint: line[0] ?? 'get a kernel with its configuration and modules, then use --kernel PATH',
  });
}

async function firstKnown(names: string[]): Promise<AptPackage> {
  for (const name of names) {
    const found = await aptPackage(name);
    if (found) return found;
  }
  throw new VlabError('host', `the package lists know none of ${names.join(', ')}`, {
    hint: 'run `apt-get update` as root, then try again',
  });
}

async function downloadAndUnpack(one: AptPackage, folder: string, tell: (line: string) => void): Promise<void> {
  tell(`downloading ${one.name} ${one.version} (${(one.bytes / 1e6).toFixed(0)} MB)`);
  // Root downloads into a folder that apt's own user cannot enter.
  const asRoot = process.geteuid?.() === 0 ? ['-o', 'APT::Sandbox::User=root'] : [];
  const ran = await run('apt-get', [...asRoot, '-q', 'download', `${one.name}=${one.version}`], { cwd: folder });
  const file = (await readdir(folder)).find((entry) => entry.startsWith(`${one.name}_`) && entry.endsWith('.deb'));
  if (ran.exitCode !== 0 || file === undefined) {
    const said = ran.stderr.trim().split('\n').at(-1) ?? '';
    throw new VlabError('host', `apt-get could not download ${one.name}: ${said}`, {
      hint: 'run `apt-get update` as root and look at the network, then try again',
    });
  }
  const path = join(folder, file);
  const sha256 = digestOf(await readFile(path));
  if (sha256 !== one.sha256) {
    throw new VlabError('operation', `${file} has the digest ${sha256}, but the package lists say ${one.sha256}`, {
      hint: 'the download is damaged or was tampered with: try again',
    });
  }
  tell(`unpacking ${one.name}`);
  await mustRun('dpkg-deb', ['-x', path, folder]);
  await rm(path);
}

async function recordOf(folder: string, main: AptPackage, packages: AptPackage[]): Promise<KernelRecord> {
  const boot = await readdir(join(folder, 'boot')).catch(() => [] as string[]);
  const image = boot.find((entry) => /^vmlinu[xz]-/.test(entry));
  const release = image?.replace(/^vmlinu[xz]-/, '');
  if (!image || !release || !existsSync(join(folder, 'boot', `config-${release}`))) {
    throw new VlabError('operation', `${main.name} ${main.version} holds no kernel with a configuration in /boot`, {
      hint: 'pull another: `vlab kernel pull PACKAGE`',
    });
  }
  return {
    package: main.name,
    version: main.version,
    release,
    arch: hostArch(),
    image: join('boot', image),
    imageSha256: digestOf(await readFile(join(folder, 'boot', image))),
    archives: packages.map(({ name, version, sha256 }) => ({ file: `${name}_${version}`, sha256 })),
    pulledAt: new Date().toISOString(),
  };
}
