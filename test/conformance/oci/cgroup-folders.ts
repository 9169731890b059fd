/** Cgroups that tests make or find, in every hierarchy. */
import { mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readMachine } from './machine.js';

function mounts(): string[] {
  const { v1, v2 } = readMachine().cgroups;
  return [...new Set([...v1.values(), ...(v2 === undefined ? [] : [v2])])];
}

/** Makes a cgroup in every v1 hierarchy; its path from the mount point. */
export function makeCgroups(path: string): string[] {
  const made = [...new Set(readMachine().cgroups.v1.values())].map((mount) => join(mount, path));
  for (const folder of made) mkdirSync(folder, { recursive: true });
  return made;
}

/** Removes a cgroup and all below it, with the processes that are left in them. */
export async function removeCgroups(path: string): Promise<void> {
  for (const mount of mounts()) await removeFolder(join(mount, path));
}

async function removeFolder(folder: string): Promise<void> {
  let names: string[];
  try {
    names = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return; // there is none
  }
  for (const name of names) await removeFolder(join(folder, name));
  for (let attempt = 0; attempt < 100; attempt++) {
    for (const pid of readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean)) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
    try {
      return rmdirSync(folder);
    } catch {
      await pause(20);
    }
  }
}
