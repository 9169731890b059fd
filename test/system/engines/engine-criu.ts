/** A criu for engines that look for one on PATH themselves, and a program that shows whether it was restored. */
import type { Criu } from '../../../src/oci/checkpoint/find-criu.js';
import { until } from '../sys/own-launcher.js';
import type { EngineRoom } from './engine-room.js';

/** Counts in the file /count, where its own name stands, too; a new start has another one. */
const SCRIPT =
  'id=$(cat /proc/sys/kernel/random/uuid); i=0; while :; do i=$((i+1)); echo $id $i > /count; sleep 0.05; done';
export const COUNTS = ['sh', '-c', SCRIPT];

export function installCriu(room: EngineRoom, criu: Criu | undefined): void {
  if (criu) room.write('/usr/local/bin/criu', `#!/bin/sh\nexec ${criu.argv.join(' ')} "$@"\n`, 0o755);
}

/** What /count has, or nothing. */
export type Read = () => Promise<string>;

export interface Counted {
  id: string;
  count: number;
}

/** Waits until the program counts. */
export async function counted(read: Read): Promise<Counted> {
  let last: Counted | undefined;
  await until(async () => {
    const [, id, count] = /^(\S+) (\d+)\n$/.exec(await read()) ?? [];
    if (id) last = { id, count: Number(count) };
    return last !== undefined;
  }, 'it counts');
  return last as Counted;
}

/** The same program writes on; what it was restored to may be less than what stands there. */
export async function goesOn(read: Read, { id }: Counted): Promise<void> {
  const first = await counted(read);
  await until(async () => {
    const now = await counted(read);
    if (now.id !== id) throw new Error('it began anew');
    return now.count !== first.count;
  }, 'it counts on');
}
