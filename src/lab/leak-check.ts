/**
 * A cheap look at what trials could leave behind, before and after each: mounts of this mount namespace and network
 * interfaces of this network namespace. It cannot see everything (`vlab clean` looks everywhere); it costs two small
 * reads, and tells which trial was the first to leave something.
 */
import { readdir, readFile } from 'node:fs/promises';

/** Names of what is there, by kind. */
export interface Seen {
  mounts: ReadonlySet<string>;
  interfaces: ReadonlySet<string>;
}

export interface LeakCheck {
  look(): Promise<Seen>;
  /** What is there now and was not there then, one phrase each. */
  compare(before: Seen): Promise<string[]>;
}

export const leakCheck: LeakCheck = {
  look,
  compare: async (before) => newThings(before, await look()),
};

/** The pure half. */
export function newThings(before: Seen, after: Seen): string[] {
  return [
    ...[...after.mounts].filter((mount) => !before.mounts.has(mount)).map((mount) => `mount ${mount} is left`),
    ...[...after.interfaces].filter((name) => !before.interfaces.has(name)).map((name) => `interface ${name} is left`),
  ];
}

async function look(): Promise<Seen> {
  const [mountinfo, interfaces] = await Promise.all([
    readFile('/proc/self/mountinfo', 'utf8').catch(() => ''),
    readdir('/sys/class/net').catch(() => [] as string[]),
  ]);
  // proc_pid_mountinfo(5): field 1 is the mount's id, field 5 the mount point.
  const mounts = mountinfo.split('\n').flatMap((line) => {
    const [id, , , , point] = line.split(' ');
    return point === undefined ? [] : [`${point} (${id})`];
  });
  return { mounts: new Set(mounts), interfaces: new Set(interfaces) };
}
