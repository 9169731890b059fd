// Checkpoint and restore of containers of other kinds: with a user, cgroup or time namespace, with a filter, where the host
// shares its mounts, by the planner, and by podman.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Criu } from '../../../src/oci/checkpoint/find-criu.js';
import { needs } from '../../skips.js';
import { until } from '../sys/own-launcher.js';
import { type BundleOptions, isUnbroken, type Place, textOf, withPlace } from './checkpoint-container.js';

const VLAB = resolve(import.meta.dirname, '../../../bin/vlab.cjs');
const TYPES = ['pid', 'network', 'ipc', 'uts', 'mount'];

let criu: Criu | undefined;
let place: Place;
let images: string;

withPlace((own) => {
  ({ place, images, criu } = own);
});

/** There and back; returns the process that came back. */
async function goesThrough(options: Omit<BundleOptions, 'program'>): Promise<number> {
  const bundle = place.bundle({ program: ['count', '/shared/c'], ...options });
  place.must('run', '--detach', '--bundle', bundle, 'c');
  await place.countsOn('c');
  place.must('checkpoint', '--image-path', images, 'c');
  place.must('restore', '--detach', '--image-path', images, '--bundle', bundle, 'c');
  await place.countsOn('c');
  expect(isUnbroken(place.counted('c'))).toBe(true);
  return place.stateOf('c').pid;
}

const namespaces = (...more: string[]) => [...TYPES, ...more].map((type) => ({ type }));
const CGROUPS = { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'nodev', 'ro'] };

describe('a container', () => {
  it('with a filter of system calls has it again', async () => {
    const seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['kexec_load'], action: 'SCMP_ACT_ERRNO' }],
    };
    const pid = await goesThrough({ linux: { seccomp } });
    expect(textOf(`/proc/${pid}/status`)).toMatch(/^Seccomp:\t2$/m);
  });

  it('with limits has them again', async () => {
    const cgroupsPath = `/vlab-cr-${process.pid}/limits`;
    const pid = await goesThrough({ cgroupsPath, linux: { resources: { pids: { limit: 33 } } } });
    expect(textOf(pidsMax(pid)).trim()).toBe('33');
  });

  it.each([
    ['as their roots', namespaces('cgroup')],
    ['as the host does', namespaces()],
  ])('that sees its cgroups %s sees them again', async (_, kinds) => {
    const pid = await goesThrough({
      namespaces: kinds,
      mounts: [CGROUPS],
      cgroupsPath: `/vlab-cr-${process.pid}/seen`,
    });
    const [, seen] = /^\d+:(?:.*,)?pids:(.*)$/m.exec(textOf(`/proc/${pid}/cgroup`)) ?? [];
    if (seen === undefined) return; // version 2
    expect(seen).toBe(`/vlab-cr-${process.pid}/seen`);
    expect(textOf(`/proc/${pid}/root/sys/fs/cgroup/pids/cgroup.procs`).split('\n')).toContain(String(pid));
  });

  it('with a time namespace has its clocks again', async () => {
    const timeOffsets = { monotonic: { secs: 5000 }, boottime: { secs: 5000 } };
    const pid = await goesThrough({ namespaces: namespaces('time'), linux: { timeOffsets } });
    const [, offset] = /^monotonic +(-?\d+)/m.exec(textOf(`/proc/${pid}/timens_offsets`)) ?? [];
    expect(Number(offset)).toBeGreaterThan(4900);
    expect(Number(offset)).toBeLessThan(5001);
  });

  it('with a user namespace reads its images as its root, and nobody else does', async () => {
    chmodSync(place.dir, 0o755); // its mounts are reached through it
    chmodSync(place.shared, 0o777);
    const mappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    const linux = { uidMappings: mappings, gidMappings: mappings };
    const bundle = place.bundle({ program: ['count', '/shared/c'], namespaces: namespaces('user'), linux });
    const words = [...place.command, '--root', place.state].map((word) => `'${word}'`).join(' ');
    // A file of root's could not be opened again by the container's.
    const shell = (line: string) =>
      execFileSync('sh', ['-c', `(${words} ${line}) </dev/null | cat >/dev/null &`], { stdio: 'ignore' });
    shell(`run --detach --bundle ${bundle} c 2>/dev/null`);
    await place.countsOn('c');
    place.must('checkpoint', '--image-path', images, 'c');
    shell(`restore --detach --image-path ${images} --bundle ${bundle} c 2>/dev/null`);
    await place.countsOn('c');
    expect(isUnbroken(place.counted('c'))).toBe(true);
    const { pid } = place.stateOf('c');
    expect(textOf(`/proc/${pid}/uid_map`)).toMatch(/^ +0 +100000 +65536\n$/);
    expect(execFileSync('stat', ['-c', '%a %u %g', images], { encoding: 'utf8' })).toBe('750 0 100000\n');
  });
});

function pidsMax(pid: number): string {
  const text = textOf(`/proc/${pid}/cgroup`);
  const [, v1] = /^\d+:(?:.*,)?pids:(.*)$/m.exec(text) ?? [];
  const [, v2] = /^0::(.*)$/m.exec(text) ?? [];
  return v1 === undefined ? `/sys/fs/cgroup${v2}/pids.max` : `/sys/fs/cgroup/pids${v1}/pids.max`;
}

describe('where the host shares its mounts', () => {
  it('volumes, and what is mounted in them later, come back as slaves of them', () => {
    const bundle = place.bundle({ program: ['count', '/shared/c'] });
    mkdirSync(join(place.shared, 'before'));
    mkdirSync(join(place.shared, 'after'));
    const words = [...place.command, '--root', place.state].map((word) => `'${word}'`).join(' ');
    const log = `</dev/null >> ${place.dir}/out 2>> ${place.dir}/err`;
    const script = `set -e
      mount --make-rshared /
      mount -t tmpfs before ${place.shared}/before
      ${words} run --detach --bundle ${bundle} c ${log}
      mount -t tmpfs after ${place.shared}/after
      sleep 0.2
      ${words} checkpoint --image-path ${images} c ${log}
      ${words} restore --detach --image-path ${images} --bundle ${bundle} c ${log}
      pid=$(${words} state c | sed -n 's/.*"pid": *\\([0-9]*\\).*/\\1/p')
      cat /proc/$pid/mountinfo
      ${words} delete --force c ${log}`;
    const { status, stdout } = spawnSync('unshare', ['--mount', 'sh', '-c', script], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(textOf(join(place.dir, 'err'))).not.toContain('criu failed');
    expect(status).toBe(0);
    for (const path of ['/shared', '/shared/before', '/shared/after']) {
      expect(stdout.split('\n').find((line) => line.split(' ')[4] === path)).toMatch(/ master:\d+ /);
    }
  });
});

describe('by the planner', () => {
  it('a checkpoint and a restore need no start of Node', async () => {
    const runDir = mkdtempSync(join('/run', 'vlab-crp'));
    const env = { ...process.env, VLAB_RUN_DIR: runDir };
    const vlab = (...words: string[]) => execFileSync(process.execPath, [VLAB, ...words], { env, encoding: 'utf8' });
    const before = place.command;
    try {
      const native = join(place.dir, 'vlab-oci');
      vlab('oci', 'install', native);
      vlab('planner', 'start');
      place.command = [native];
      await goesThrough({});
      place.must('pause', 'c');
      place.must('resume', 'c');
    } finally {
      for (const id of place.ids()) place.call(['delete', '--force', id]);
      place.command = before;
      vlab('planner', 'stop');
      rmSync(runDir, { recursive: true, force: true });
    }
  });
});

describe('podman', () => {
  it('checkpoints, exports, and restores under another name', async (context) => {
    needs(context, 'podman', spawnSync('podman', ['--version']).status === 0);
    const dir = mkdtempSync(join(tmpdir(), 'vlab-crpod-'));
    const native = join(dir, 'vlab-oci');
    execFileSync(process.execPath, [VLAB, 'oci', 'install', native]);
    // podman looks for one, too.
    mkdirSync(join(dir, 'bin'));
    const line = (criu?.argv ?? []).map((word) => `'${word}'`).join(' ');
    writeFileSync(join(dir, 'bin/criu'), `#!/bin/sh\nexec ${line} "$@"\n`, { mode: 0o755 });
    const store = ['--root', join(dir, 'root'), '--runroot', join(dir, 'run'), '--storage-driver', 'vfs'];
    const env = { ...process.env, PATH: `${join(dir, 'bin')}:${process.env.PATH}` };
    const podman = (...words: string[]) =>
      execFileSync('podman', [...store, '--cgroup-manager', 'cgroupfs', '--runtime', native, ...words], {
        ...{ env, encoding: 'utf8', timeout: 60_000 },
      }).trim();
    const said = (name: string) =>
      podman('logs', name)
        .split('\n')
        .map((one) => Number(one.replace('said ', '')));
    try {
      const tar = execFileSync('tar', ['-C', place.rootfs, '-c', 'bin', 'tmp'], { maxBuffer: 1 << 26 });
      execFileSync('podman', [...store, 'import', '-', 'cr:1'], {
        env,
        input: tar,
        stdio: ['pipe', 'ignore', 'ignore'],
      });
      // This machine's own limits are below podman's.
      const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1000:1000'];
      podman(
        'run',
        '--detach',
        ...limits,
        '--network',
        'none',
        '--name',
        'one',
        'cr:1',
        '/bin/lasting',
        'say',
        '/tmp/c',
      );
      await until(() => said('one').length > 3, 'it says something', 10_000);
      podman('container', 'checkpoint', 'one');
      const before = said('one').length;
      podman('container', 'restore', 'one');
      await until(() => said('one').length > before + 3, 'it says more', 10_000);
      expect(isUnbroken(said('one'))).toBe(true);
      podman('container', 'checkpoint', '--leave-running', '--export', join(dir, 'one.tar'), 'one');
      podman('container', 'restore', '--import', join(dir, 'one.tar'), '--name', 'two');
      const known = said('two').length; // the log is exported, too
      await until(() => said('two').length > known + 3, 'the other says more', 10_000);
      expect(said('two').at(-1)).toBeGreaterThan(before);
      expect(podman('ps', '--format', '{{.Names}}').split('\n').sort()).toEqual(['one', 'two']);
    } finally {
      podman('rm', '--force', '--all', '--time', '0');
      rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }); // its clean-up may still be at work
    }
  }, 120_000);
});
