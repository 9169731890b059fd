/** The arms of `npm run bench`. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VlabError } from '../src/base/errors.js';
import { findProgram } from '../src/base/find-program.js';
import { packageRoot } from '../src/base/paths.js';
import { situationFor } from '../src/container/situation-for.js';
import { driver as container, jobConfig } from '../src/drivers/container.js';
import type { Job } from '../src/drivers/driver.js';
import { driver as process_ } from '../src/drivers/process.js';
import { runcConfig } from '../src/drivers/runc.js';
import { readCgroupLayout } from '../src/host/cgroup-layout.js';
import { flags } from '../src/sys/abi.js';
import type { PlanBuilder } from '../src/sys/plan.js';
import type { BenchArm, OpenArm } from './arm.js';
import { openFloor } from './floor.js';
import { type Command, commandArm, driverArm } from './launched-arm.js';
import { coldRuntime, residentRuntime } from './own-runtime.js';
import { qemuArm, vmArm } from './qemu-arm.js';

const HELLO = { stdout: 'hello\n', deadlineMs: 30_000 };

/** What every measured command gets, and nothing else: variables such as NODE_EXTRA_CA_CERTS slow every Node start. */
export const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root' };

/** `rootfs` holds /probe; `scratchDir` belongs to the bench. Label → how to open it, in the order of the table. */
export function startArms(rootfs: string, scratchDir: string): Record<string, OpenArm> {
  const job: Job = {
    rootfs,
    command: ['/probe', 'hello'],
    env: {},
    limits: {},
    ready: 'first-byte',
    scratchDir,
    options: {},
  };
  const command = (label: string, what: string, run: Command, stdout: string | RegExp = HELLO.stdout) =>
    commandArm(
      { label, what, every: 1 },
      run,
      { ...job, ready: stdout === '' ? 'exit' : 'first-byte' },
      { ...HELLO, stdout },
    );
  const manifest = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { bin: { vlab: string } };
  const vlab = join(packageRoot(), manifest.bin.vlab);
  const node = (...words: string[]): Command => ({
    path: process.execPath,
    argv: () => ['node', ...words],
    env: ENVIRONMENT,
    timed: 'whole',
  });
  const peer = async (
    label: string,
    program: string,
    argv: (path: string, id: string) => string[],
    prepare?: Command['prepare'],
  ): Promise<BenchArm | { absent: string }> => {
    const path = findProgram(program);
    if (!path) return { absent: `${program} is not installed` };
    const run: Command = {
      ...{ path, argv: (id) => argv(path, id), env: ENVIRONMENT, timed: 'whole' },
      ...(prepare ? { prepare } : {}),
    };
    const what = `\`${argv(program, 'ID').join(' ')}\`${prepare ? ', in a mount namespace without the unified cgroup tree' : ''}`;
    return command(label, what, run);
  };
  const bundles = join(scratchDir, 'bundles');
  const oci = (program: string, id: string): string[] => [
    ...['--root', join(scratchDir, `${program}-state`)],
    ...['run', '--bundle', bundle(job, join(bundles, program), id), id],
  ];
  return {
    floor: () => floorArm(job, scratchDir),
    launcher: () =>
      driverArm(
        { label: 'launcher', what: "vlab's container, from a plan, by the running launcher", every: 1 },
        container,
        job,
        HELLO,
      ),
    process: () =>
      driverArm(
        { label: 'process', what: 'the program alone, by the running launcher', every: 1 },
        process_,
        job,
        HELLO,
      ),
    bwrap: () => peer('bwrap', 'bwrap', (path) => [path, ...bwrapWords(rootfs), '--', ...job.command]),
    crun: () =>
      peer('crun', 'crun', (path, id) => [path, '--cgroup-manager=cgroupfs', ...oci('crun', id)], hideUnified()),
    runc: () => peer('runc', 'runc', (path, id) => [path, ...oci('runc', id)]),
    youki: () => peer('youki', 'youki', (path, id) => [path, ...oci('youki', id)]),
    lxc: () => peer('lxc', 'lxc-execute', (path, id) => [path, ...lxcWords(job, scratchDir, id)]),
    nspawn: () => peer('nspawn', 'systemd-nspawn', (path, id) => [path, ...nspawnWords(job, scratchDir, id)]),
    'vlab-oci': async () => {
      const native = await residentRuntime(scratchDir);
      const arm = await command('vlab-oci', '`vlab-oci run --bundle BUNDLE ID`, native, planner resident', {
        path: native.path,
        argv: (id) => ['vlab-oci', ...oci('vlab-oci', id)],
        env: ENVIRONMENT,
        timed: 'whole',
      });
      return { ...arm, close: () => arm.close().finally(() => native.close()) };
    },
    'vlab-oci-cold': async () =>
      command('vlab-oci-cold', '`vlab-oci run --bundle BUNDLE ID`, native, which starts Node', {
        path: await coldRuntime(scratchDir),
        argv: (id) => ['vlab-oci', ...oci('vlab-oci-cold', id)],
        env: ENVIRONMENT,
        timed: 'whole',
      }),
    'vlab-run': () =>
      command(
        'vlab-run',
        '`vlab run --rootfs ROOTFS -- /probe hello`',
        node(vlab, 'run', '--rootfs', rootfs, '--', ...job.command),
      ),
    'vlab-help': () => command('vlab-help', '`vlab --help`', node(vlab, '--help'), /COMMANDS/),
    node: () => command('node', '`node -e 0`', node('-e', '0'), ''),
    vm: () => vmArm(job),
    qemu: () => qemuArm(job),
  };
}

/** The same boundaries; bubblewrap knows no cgroups, no masked paths and no mqueue by itself. */
function bwrapWords(rootfs: string): string[] {
  return [
    ...['--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup'],
    ...[
      '--bind',
      rootfs,
      '/',
      '--proc',
      '/proc',
      '--dev',
      '/dev',
      '--mqueue',
      '/dev/mqueue',
      '--ro-bind',
      '/sys',
      '/sys',
    ],
    ...['--hostname', 'bench', '--new-session', '--die-with-parent'],
  ];
}

/** The same image with what LXC and nspawn want to find in one: places to mount at, and a /usr. */
function peerRootfs(job: Job, scratchDir: string): string {
  const rootfs = join(scratchDir, 'peer-rootfs');
  if (existsSync(rootfs)) return rootfs;
  for (const name of ['dev', 'etc', 'proc', 'run', 'sys', 'tmp', 'usr', 'var'])
    mkdirSync(join(rootfs, name), { recursive: true });
  cpSync(join(job.rootfs, 'probe'), join(rootfs, 'probe'));
  return rootfs;
}

/** The program alone in namespaces of its own, with the image as its root; LXC makes its own /proc and /sys. */
function lxcWords(job: Job, scratchDir: string, id: string): string[] {
  mkdirSync(join(scratchDir, 'lxc'), { recursive: true });
  const path = join(scratchDir, 'lxc.conf');
  const lines = [
    `lxc.rootfs.path = dir:${peerRootfs(job, scratchDir)}`,
    'lxc.net.0.type = empty',
    'lxc.mount.auto = proc:mixed sys:ro',
    'lxc.autodev = 1',
    'lxc.pty.max = 1',
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  return ['-n', id, '-f', path, '-P', join(scratchDir, 'lxc'), '--', ...job.command];
}

/** What can be spared of a machine: no journal, no registration, no network. */
function nspawnWords(job: Job, scratchDir: string, id: string): string[] {
  return [
    ...[
      '--quiet',
      '--register=no',
      '--keep-unit',
      '--private-network',
      '--link-journal=no',
      '--as-pid2',
      '--console=pipe',
    ],
    ...['--machine', id.slice(-60), '--directory', peerRootfs(job, scratchDir), '--', ...job.command],
  ];
}

/** An OCI bundle of the very configuration that vlab's container has. Its path. */
function bundle(job: Job, directory: string, id: string): string {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const config = runcConfig(jobConfig(job, id, undefined)); // which crun 1.8 and vlab-oci take too
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config));
  return directory;
}

/**
 * crun refuses a machine whose controllers are on version 1 when the unified tree is mounted too. It gets a mount
 * namespace without that tree; the stamp is taken behind this.
 */
export function hideUnified(): Command['prepare'] {
  const { layout, unified } = readCgroupLayout();
  if (layout !== 'hybrid' || !unified) return undefined;
  return (b: PlanBuilder) => {
    b.step('unshare', [flags('CLONE_NEWNS')], 'mounts of its own');
    b.step('mount', [0, b.str('/'), 0, flags('MS_REC', 'MS_PRIVATE'), 0], 'let no mount event reach the host');
    b.step('umount2', [b.str(unified.mountPoint), flags('MNT_DETACH')], 'no unified tree, which crun refuses here');
  };
}

async function floorArm(job: Job, scratchDir: string): Promise<BenchArm | { absent: string }> {
  if (process.getuid?.() !== 0) return { absent: 'needs root' };
  const config = jobConfig(job, 'vlab-floor', undefined);
  const situation = await situationFor(config);
  const outputPath = join(scratchDir, 'floor.out');
  const floor = await openFloor(config, situation, outputPath);
  let count = 0;
  return {
    label: 'floor',
    what: 'bench/floor.c: the same container in straight-line C, by a running process',
    every: 1,
    async start() {
      const name = `vlab-floor-${process.pid}-${count++}`;
      const at = await floor.start(name);
      if (at.exitCode !== 0 || readFileSync(outputPath, 'utf8').length !== HELLO.stdout.length * count) {
        throw new VlabError('operation', `the floor's program ended with ${at.exitCode}, see ${outputPath}`);
      }
      const since = (end: bigint) => Number(end - at.requested);
      return { exec: since(at.exec), exit: since(at.exited), clean: since(at.clean) };
    },
    async close() {
      floor[Symbol.dispose]();
      rmSync(outputPath, { force: true });
    },
  };
}
