/** What is in a room, as text, so that what a session leaves behind can be told from what was there before. */
import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineRoom } from './engine-room.js';

/** Where vlab-oci keeps its containers, and where engines keep network namespaces. */
const STATE = ['/run/vlab-oci', '/run/netns'];

/** podman binds its storage upon itself, and leaves it so when a container could not be made. Daemons may be other ones. */
const ENGINES_OWN = / \/var\/lib\/containers\/storage\/overlay |^process \d+: (dockerd|containerd) /;

/**
 * Remembers the room as it is; the result looks again and throws when a process, mount, cgroup, network namespace or
 * container's state is new. Engines clean up a moment later than they answer.
 */
export function expectNothingNew(room: EngineRoom, state: readonly string[] = STATE): () => Promise<void> {
  const known = new Set(thingsIn(room, state));
  const fresh = () => thingsIn(room, state).filter((thing) => !known.has(thing));
  return async () => {
    let left = fresh();
    for (const began = Date.now(); left.length > 0 && Date.now() - began < 5000; left = fresh()) await sleep(20);
    for (const thing of left) known.add(thing); // told once
    if (left.length > 0) throw new Error(`left behind:\n${left.join('\n')}`);
  };
}

function thingsIn(room: EngineRoom, state: readonly string[]): string[] {
  const mounts = readFileSync(`/proc/${room.pid}/mountinfo`, 'utf8').trim().split('\n');
  return [
    ...[...processesIn(room), ...mounts.map((line) => `mount ${line}`)].filter((line) => !ENGINES_OWN.test(line)),
    // podman keeps one for its monitors.
    ...room
      .cgroupDirectories()
      .flatMap(below)
      .filter((path) => !path.endsWith('/conmon')),
    ...state.flatMap((path) => entries(room.outside(path)).map(({ name }) => `file ${path}/${name}`)),
  ];
}

/** All that have not ended; the first one is the room's own. */
function processesIn(room: EngineRoom): string[] {
  return entries(room.outside('/proc')).flatMap(({ name }) => {
    if (!/^\d+$/.test(name) || name === '1') return [];
    try {
      const stat = readFileSync(room.outside(`/proc/${name}/stat`), 'utf8');
      const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
      const command = readFileSync(room.outside(`/proc/${name}/cmdline`), 'utf8')
        .replaceAll('\0', ' ')
        .trim();
      return 'ZX'.includes(state) ? [] : [`process ${name}: ${command.slice(0, 300)}`];
    } catch {
      return []; // gone meanwhile
    }
  });
}

function below(directory: string): string[] {
  return entries(directory)
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => [`cgroup ${join(directory, name)}`, ...below(join(directory, name))]);
}

function entries(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return []; // not made yet, or gone meanwhile
  }
}
