// The floor of `npm run bench` makes the very container that vlab makes: what a program sees in either is compared, and the
// system calls that make it. Needs root and a C compiler; the last test needs strace.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { compiled } from '../../../bench/compiled.js';
import { floorWords, openFloor } from '../../../bench/floor.js';
import { findProgram } from '../../../src/base/find-program.js';
import { CGROUP_PARENT, usualPlaces } from '../../../src/container/cgroup/places.js';
import { DEFAULT_CAPABILITIES } from '../../../src/container/config/capabilities.js';
import { defaultConfig } from '../../../src/container/config/default-config.js';
import { defaultSeccomp } from '../../../src/container/config/default-seccomp.js';
import type { Situation } from '../../../src/container/situation.js';
import { situationFor } from '../../../src/container/situation-for.js';
import { startPlan } from '../../../src/drivers/container.js';
import { probeRootfs } from '../../../src/drivers/probe-rootfs.js';
import { readCgroupLayout } from '../../../src/host/cgroup-layout.js';
import { hostArch } from '../../../src/sys/abi.js';
import { performOnce } from '../../../src/sys/perform-once.js';
import { removeCgroup } from '../../../src/sys/remove-cgroup.js';
import { isRoot, needs } from '../../skips.js';

const ID = `vlab-same-${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), 'vlab-floor-'));
afterAll(() => rmSync(folder, { recursive: true }));

let rootfs: string;
let here: Situation;
beforeAll(async () => {
  rootfs = (await probeRootfs()).dir;
  here = await situationFor(configOf(['/probe']));
});
beforeEach((context) => needs(context, 'root', isRoot));

function configOf(args: string[]) {
  const seccomp = defaultSeccomp(hostArch(), DEFAULT_CAPABILITIES);
  return defaultConfig({ id: ID, rootfs, command: args, env: {}, seccomp });
}

const VIEWS: [string, string[]][] = [
  ['mounts', ['cat', '/proc/self/mounts']],
  ['cgroups', ['cat', '/proc/self/cgroup']],
  ['privileges', ['cat', '/proc/self/status']],
  ['limits', ['cat', '/proc/self/limits']],
  ['environment', ['env']],
  ['ids', ['ids']],
  ['host name', ['hostname']],
  ['loopback', ['loopback']],
  ['open descriptors', ['fds']],
  ['network devices', ['cat', '/proc/self/net/dev']],
  ['a default device', ['open', '/dev/urandom']],
  ['a link in /dev', ['open', '/dev/fd']],
  ['a masked file', ['open', '/proc/keys']],
  ['a masked directory', ['open', '/sys/firmware/x']],
  ['a read-only path', ['open', '/proc/sys/kernel/hostname', 'w']],
  ['a new device node', ['mknod', '/dev/x', '7', '0']],
];

/** What the program says; counters and times of /proc are left out. */
async function seenInVlab(args: string[], situation: Situation): Promise<string> {
  const [stdoutPath, stderrPath] = [join(folder, 'vlab.out'), join(folder, 'vlab.err')];
  await performOnce(startPlan(configOf(args), situation, { stdoutPath, stderrPath, ready: 'exit' }).plan);
  return withoutCounters(readFileSync(stdoutPath, 'utf8') + readFileSync(stderrPath, 'utf8'));
}

async function seenInFloor(args: string[], situation: Situation): Promise<string> {
  const output = join(folder, 'floor.out');
  using floor = await openFloor(configOf(args), situation, output);
  await floor.start(ID);
  return withoutCounters(readFileSync(output, 'utf8'));
}

function withoutCounters(text: string): string {
  const counting =
    /^(State|SigQ|FDSize|VmPeak|Vm\w+|Rss\w+|.*ctxt_switches|HugetlbPages|Mems_allowed.*|Cpus_allowed.*|x86_Thread\w*):/;
  return text
    .split('\n')
    .filter((line) => !counting.test(line))
    .join('\n');
}

describe('the floor shows the program the same as vlab does', () => {
  it.each(VIEWS)('%s', async (_, words) => {
    const inVlab = await seenInVlab(['/probe', ...words], here);
    expect(inVlab).not.toBe('');
    expect(await seenInFloor(['/probe', ...words], here)).toBe(inVlab);
  });

  it('and leaves no cgroup behind', async () => {
    await seenInFloor(['/probe', 'hello'], here);
    for (const { parent } of usualPlaces(here.cgroups))
      expect(() => readFileSync(join(parent, ID, 'cgroup.procs'))).toThrow('ENOENT');
  });

  it('and the exit code', async () => {
    using floor = await openFloor(configOf(['/probe', 'exit', '7']), here, join(folder, 'exit.out'));
    expect((await floor.start(ID)).exitCode).toBe(7);
  });
});

describe('in a version 2 cgroup too', () => {
  const { unified } = readCgroupLayout();
  const root = join(unified?.mountPoint ?? '/nowhere', `vlab-floor-${process.pid}`);
  const parent = join(root, CGROUP_PARENT);
  beforeEach((context) => {
    needs(context, 'cgroup v2', unified !== undefined && !unified.readOnly);
    mkdirSync(parent, { recursive: true });
    return () => {
      rmdirSync(parent);
      rmdirSync(root);
    };
  });

  it.each(VIEWS)('%s', async (_, words) => {
    const situation: Situation = { ...here, cgroups: [{ version: 2, root, parent, controllers: [] }] };
    const inVlab = await seenInVlab(['/probe', ...words], situation);
    expect(await seenInFloor(['/probe', ...words], situation)).toBe(inVlab);
  });
});

it('a floor that cannot start a container names its line', async () => {
  using floor = await openFloor({ ...configOf(['/not-there']) }, here, join(folder, 'failed.out'));
  await expect(floor.start(ID)).rejects.toThrow(/floor\.c line \d+: ENOENT/);
  for (const { parent } of usualPlaces(here.cgroups)) await removeCgroup(join(parent, ID));
});

/** Names of the calls between the request and exec, of the resident process and of its child. */
async function callsOfFloor(): Promise<Set<string>> {
  const trace = join(folder, 'trace');
  const words = floorWords(configOf(['/probe', 'hello']), here);
  const child = spawn('strace', ['-f', '-qq', '-o', trace, await compiled('floor'), ...words], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    env: {},
  });
  const channel = child.stdio[3] as Socket;
  channel.write(ID);
  await once(channel, 'data');
  channel.end();
  await once(child, 'exit');
  const lines = readFileSync(trace, 'utf8').split('\n');
  const request = lines.findIndex((line) => line.includes(`read(3, "${ID}"`));
  const [resident] = (lines[request] ?? '').split(' ', 1);
  let running = false; // the program itself
  const calls = lines.slice(request + 1).flatMap((line) => {
    const [, pid, call = ''] = /^(\d+)\s+(\w+)\(/.exec(line) ?? [];
    if (pid === resident) return [call];
    if (running) return [];
    running = call === 'execve';
    return [call];
  });
  return new Set(calls.filter(Boolean));
}

/**
 * The quickest call for each outcome is often not vlab's, which mounts through descriptors. This list is what the two may
 * differ in; a plan that grows another call must be looked at, whether the floor needs it too.
 */
const ONLY_IN_PLAN = {
  'mounts through descriptors, safe from links in the image': [
    'fsopen',
    'fsconfig',
    'fsmount',
    'open_tree',
    'move_mount',
  ],
  'the same, for read-only paths': ['mount_setattr', 'openat2'],
  'output of a start': ['dup3', 'inotify_init1', 'inotify_add_watch', 'pipe2', 'ppoll', 'close_range'],
  'no blocked signals': ['rt_sigprocmask'],
  'the same by another name': ['mkdirat', 'mknodat', 'symlinkat'],
  'the user, who is root here': ['setresgid', 'setresuid', 'fchdir'],
  'stamps, which the C library takes without a call': ['clock_gettime'],
};
const ONLY_IN_FLOOR = ['rmdir', 'sendto', 'read', 'mkdir', 'mknod', 'symlink', 'exit_group'];

it('system calls: those of the plan but for a list with reasons', async (context) => {
  needs(context, 'strace', findProgram('strace') !== undefined);
  needs(
    context,
    'cgroup v1',
    usualPlaces(here.cgroups).some(({ version }) => version === 1),
  );
  const { plan } = startPlan(configOf(['/probe', 'hello']), here, {
    stdoutPath: '/o',
    stderrPath: '/e',
    ready: 'exit',
  });
  const planned = new Set(plan.steps.map(({ call }) => call as string));
  const floor = await callsOfFloor();
  expect(floor.size).toBeGreaterThan(20);
  const allowed = new Set(Object.values(ONLY_IN_PLAN).flat());
  expect([...planned].filter((call) => !floor.has(call) && !allowed.has(call))).toEqual([]);
  expect([...floor].filter((call) => !planned.has(call) && !ONLY_IN_FLOOR.includes(call))).toEqual([]);
});
