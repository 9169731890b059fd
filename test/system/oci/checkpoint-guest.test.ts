// Checkpoint and restore where nothing is refused: in a guest with Debian's kernel, which tracks changed memory, on version 2
// of cgroups, with all capabilities. Runs by emulation.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findProgram } from '../../../src/base/find-program.js';
import { cacheDir } from '../../../src/base/paths.js';
import { nativeBinary } from '../../../src/sys/native.js';
import type { GuestKernel } from '../../../src/vm/kernel.js';
import { loadModules } from '../../../src/vm/kernel-modules.js';
import { isRoot, needs } from '../../skips.js';
import { qemuAndKernel } from '../vm/on-the-machine.js';
import { anyCriu } from './checkpoint-container.js';

const REPOSITORY = resolve(import.meta.dirname, '../../..');
const FIXTURES = join(REPOSITORY, 'test/fixtures');
const MINUTES = 60_000;

/** What criu wants of the kernel that Debian has as modules. */
const MODULES = [
  ...['tcp_diag', 'udp_diag', 'raw_diag', 'unix_diag', 'af_packet_diag', 'netlink_diag'],
  ...['nf_tables', 'nf_conntrack_netlink'],
];

describe('in a guest', () => {
  it(
    'memory is dumped in steps, and comes on demand',
    async (context) => {
      needs(context, 'root', isRoot);
      const criu = await anyCriu();
      needs(context, 'criu', criu !== undefined);
      needs(context, 'busybox-static', existsSync('/bin/busybox'));
      const { kernel } = await qemuAndKernel(context);
      const root = mkdtempSync(join(tmpdir(), 'vlab-crvm-'));
      try {
        await fill(root, kernel, criu?.argv ?? []);
        const words = ['/bin/busybox', 'sh', '/t/checkpoint-guest.sh', '/vlab', ...(criu?.argv ?? [])];
        const flags = ['--rootfs', root, '--memory', '1800m', '--cpus', '2', '--accel', 'tcg', '--deadline', '9m'];
        const vlab = join(REPOSITORY, 'bin/vlab.cjs');
        const ran = spawnSync(process.execPath, [vlab, 'vm', 'run', ...flags, '--', ...words], { encoding: 'utf8' });
        const told = new Map([...ran.stdout.matchAll(/([a-z][a-z ]*)=(\S*)/g)].map(([, name, value]) => [name, value]));
        expect(Object.fromEntries(told), ran.stdout + ran.stderr).toMatchObject({
          ...{ first: '0', second: '0', third: '0', left: '', restored: '0', unbroken: 'yes', 'goes on': 'yes' },
          ...{ 'restored lazily': '0', 'dumped lazily': '0', fetched: '0', 'unbroken lazily': 'yes' },
          ...{ 'goes on lazily': 'yes', 'left lazily': 'two' },
        });
        expect(Number(told.get('pages of third'))).toBeLessThan(Number(told.get('pages of first')));
      } finally {
        rmSync(root, { recursive: true, force: true });
      }
    },
    12 * MINUTES,
  );
});

/** Node, criu and what they call, with their libraries, where they are on this machine; vlab; and two bundles. */
async function fill(root: string, kernel: GuestKernel, criu: readonly string[]): Promise<void> {
  for (const name of ['dev', 'proc', 'sys', 'run', 'tmp', 'bin', 'modules', 't/shared', 't/rootfs/bin', 'usr/bin']) {
    mkdirSync(join(root, name), { recursive: true });
  }
  copyWith(root, '/bin/busybox', 'bin/busybox');
  symlinkSync('busybox', join(root, 'bin/sh')); // by which tar runs gzip
  for (const name of ['awk', 'cat', 'du', 'insmod', 'mkdir', 'mount', 'sleep', 'wc']) {
    symlinkSync('/bin/busybox', join(root, 'usr/bin', name));
  }
  copyWith(root, process.execPath, 'usr/bin/node');
  for (const name of ['ip', 'tar', 'gzip']) {
    copyWith(root, findProgram(name) ?? '', name === 'ip' ? 'sbin/ip' : `usr/bin/${name}`);
  }
  const program = criu.at(-1) ?? '';
  // vlab's own: SUITE/usr, run by its own loader.
  if (criu.length > 1) cpSync(dirname(dirname(program)), join(root, dirname(dirname(program))), { recursive: true });
  else copyWith(root, program, program);
  for (const name of ['bin', 'dist', 'src', 'package.json']) {
    cpSync(join(REPOSITORY, name), join(root, 'vlab', name), { recursive: true });
  }
  mkdirSync(join(root, cacheDir(), 'native'), { recursive: true });
  copyFileSync(
    await nativeBinary('vlab-front'),
    join(root, cacheDir(), 'native', basename(await nativeBinary('vlab-front'))),
  );
  copyFileSync(join(FIXTURES, 'checkpoint-guest.sh'), join(root, 't/checkpoint-guest.sh'));
  const modules = await loadModules(kernel.modulesDir ?? '', MODULES);
  modules.forEach(({ name, content }, index) => {
    writeFileSync(join(root, 'modules', `${String(index).padStart(2, '0')}-${name}.ko`), content);
  });
  execFileSync('gcc', ['-static', '-O1', '-o', join(root, 't/rootfs/bin/lasting'), join(FIXTURES, 'lasting.c')]);
  for (const name of ['one', 'two']) {
    mkdirSync(join(root, 't', name));
    writeFileSync(join(root, 't', name, 'config.json'), JSON.stringify(configOf(name)));
  }
}

/** A program and the libraries that it is linked with, at their paths. */
function copyWith(root: string, program: string, target: string): void {
  mkdirSync(dirname(join(root, target)), { recursive: true });
  copyFileSync(program, join(root, target));
  const { stdout } = spawnSync('ldd', [program], { encoding: 'utf8' });
  for (const [library] of stdout.matchAll(/\/\S+\.so[.\d]*/g)) {
    mkdirSync(dirname(join(root, library)), { recursive: true });
    copyFileSync(library, join(root, library));
  }
}

function configOf(name: string) {
  return {
    ociVersion: '1.2.0',
    root: { path: '/t/rootfs' },
    process: { cwd: '/', args: ['/bin/lasting', 'count', '/shared/c'], env: ['PATH=/bin'] },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'ptmxmode=0666'] },
      { destination: '/shared', type: 'bind', source: '/t/shared', options: ['rbind'] },
    ],
    linux: {
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
      cgroupsPath: `/t/${name}`,
      maskedPaths: ['/proc/kcore', '/proc/acpi'],
      readonlyPaths: ['/proc/sys'],
    },
  };
}
