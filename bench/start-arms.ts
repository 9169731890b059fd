/** The arms of `npm run bench`. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VlabError } from '../src/base/errors.js';
import { findProgram } from '../src/base/find-program.js';
import { packageRoot } from '../src/base/paths.js';
import { readSituation } from '../src/container/situation.js';
import { driver as container, jobConfig } from '../src/drivers/container.js';
import type { Job } from '../src/drivers/driver.js';
import { driver as process_ } from '../src/drivers/process.js';
import { readCgroupLayout } from '../src/host/cgroup-layout.js';
import { flags } from '../src/sys/abi.js';
import type { PlanBuilder } from '../src/sys/plan.js';
import type { BenchArm, OpenArm } from './arm.js';
import { openFloor } from './floor.js';
import { type Command, commandArm, driverArm } from './launched-arm.js';
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
    commandArm({ label, what, every: 1 }, run, { ...job, ready: 'exit' }, { ...HELLO, stdout });
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

/** An OCI bundle of the very configuration that vlab's container has. Its path. */
function bundle(job: Job, directory: string, id: string): string {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // runc 1.1 and crun 1.8 know nothing newer, and the fields used here are all older.
  const config = { ...jobConfig(job, id, undefined), ociVersion: '1.0.2' };
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config));
  return directory;
}

/**
 * crun refuses a machine whose controllers are on version 1 when the unified tree is mounted too. It gets a mount
 * namespace without that tree; the stamp is taken behind this.
 */
function hideUnified(): Command['prepare'] {
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
  const situation = readSituation([...config.linux.maskedPaths, ...config.linux.readonlyPaths]);
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
