/** What a start of this test run could leave behind, as text: compared before and after. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDir, runDir } from '../../src/base/paths.js';
import { membersOf } from '../../src/sys/remove-cgroup.js';
import { isOwn } from '../own-processes.js';

export interface MachineState {
  mounts: string[];
  cgroups: string[];
  /** Processes started by vlab or by its payload; the launcher itself is no leftover. */
  processes: string[];
  runFiles: string[];
  links: string[];
}

export function machineState(): MachineState {
  return {
    mounts: mounts(),
    cgroups: vlabCgroups('/sys/fs/cgroup', 3),
    processes: processes(),
    runFiles: filesBelow(runDir()),
    links: readdirSync('/sys/class/net').sort(),
  };
}

/**
 * What is there now and was not before. Empty when nothing was left behind. `cgroups`: those of this run, as owner records
 * name them; an empty one does not show whose it is.
 */
export function leftSince(before: MachineState, cgroups?: ReadonlySet<string>): Partial<MachineState> {
  const now = machineState();
  if (cgroups) {
    const prefixes = [...cgroups].map((pattern) => pattern.replace(/\*$/, ''));
    now.cgroups = now.cgroups.filter((path) => prefixes.some((prefix) => path.startsWith(prefix)));
  }
  const kinds = Object.keys(now) as (keyof MachineState)[];
  const added = kinds.map((kind) => [kind, now[kind].filter((one) => !before[kind].includes(one))] as const);
  return Object.fromEntries(added.filter(([, some]) => some.length > 0));
}

const lines = (text: string) => text.split('\n').filter(Boolean).sort();

/**
 * Where a start of vlab could mount something if it missed its namespace: in its own folders, or where a container has the
 * kernel's file systems. Anything else is another tool's.
 */
function mounts(): string[] {
  const places = [cacheDir(), runDir(), '/dev', '/proc', '/sys'];
  return lines(readFileSync('/proc/self/mounts', 'utf8')).filter((line) => {
    const point = line.split(' ')[1] ?? '';
    return point === '/' || places.some((place) => `${point}/`.startsWith(`${place}/`));
  });
}

/** Directories below a `vlab` parent, but for the launcher's own and for those in which somebody else's processes run. */
function vlabCgroups(directory: string, depth: number): string[] {
  return subdirectories(directory).flatMap((name) => {
    const path = join(directory, name);
    if (name === 'vlab')
      return subdirectories(path)
        .filter((child) => child !== 'launcher')
        .map((child) => join(path, child))
        .filter((cgroup) => membersOf(cgroup).every((pid) => isOwn(pid)));
    return depth > 0 ? vlabCgroups(path, depth - 1) : [];
  });
}

function subdirectories(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return []; // gone meanwhile, or no directory
  }
}

/**
 * By arguments: the probe, a performer, a peer, a QEMU with vlab's channels. An orphan that has ended and waits for process
 * 1 to reap it is no longer anybody's: it has no arguments.
 */
function processes(): string[] {
  const ours = /\/probe\b|vlab-init perform|qemu-system.*name=vlab\.|runc .*vlab-|vlab-relay/;
  return lines(execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })).filter(
    (line) => ours.test(line) && !isLauncher(line) && isOwn(Number.parseInt(line, 10)),
  );
}

function isLauncher(line: string): boolean {
  return / serve /.test(line);
}

function filesBelow(directory: string): string[] {
  const ignored = /^launcher-|^sweep\.lock$/;
  return readdirSync(directory, { recursive: true })
    .map(String)
    .filter((name) => !ignored.test(name) && !/^(owners|trials|bundles|runc)$/.test(name))
    .sort();
}
