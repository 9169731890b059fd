/** What happens to a running container's resources, as it happens (`events`). */
import { type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';
import { type Cgroup, type CgroupDirectory, directoryOf } from './cgroup.js';
import { keyed, readControl } from './control-file.js';
import { processesBelow } from './processes.js';
import { readStats } from './stats.js';
import type { ContainerEvent } from './stats-shape.js';

/** Version 1 tells nobody who has no eventfd, so its counter is looked at this often; version 2 is by inotify(7). */
const LOOK_MS = 100;

export interface WatchOptions {
  /** Between two statistics; none without it. */
  statsMs?: number;
  signal?: AbortSignal;
}

/**
 * Statistics at each interval, and an event each time that the container met its memory limit and something had to die (or,
 * with the OOM killer off, to wait). Ends when nothing of the container runs any more, or `signal` is given.
 */
export async function* watchEvents(
  cgroup: Cgroup,
  id: string,
  { statsMs, signal }: WatchOptions = {},
): AsyncGenerator<ContainerEvent> {
  const memory = directoryOf(cgroup, 'memory');
  const first = cgroup.directories.slice(0, 1).map(({ path }) => path);
  const alarm = new Alarm(memory, signal);
  try {
    let seen = memory ? oomCount(memory) : 0n;
    let statsAt = statsMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + statsMs;
    while (!signal?.aborted) {
      await alarm.ring(Math.min(LOOK_MS, statsAt - performance.now()));
      const now = memory ? oomCount(memory) : 0n;
      if (now > seen) yield { type: 'oom', id };
      seen = now;
      if (processesBelow(first).length === 0) return;
      if (performance.now() < statsAt || signal?.aborted) continue;
      yield { type: 'stats', id, data: readStats(cgroup) };
      statsAt += statsMs ?? 0;
    }
  } finally {
    alarm.stop();
  }
}

/** How often something was killed for want of memory; one more while something waits for it. */
function oomCount(memory: CgroupDirectory): bigint {
  const file = memory.version === 1 ? 'memory.oom_control' : 'memory.events';
  const values = keyed(readControl(memory, file) ?? '');
  return (values.get('oom_kill') ?? 0n) + (values.get('under_oom') ?? 0n);
}

/** Rings after a time, when the kernel says that memory.events has changed, or when nobody wants to hear it any more. */
class Alarm {
  private wake: () => void = () => {};
  private readonly watcher: FSWatcher | undefined;

  constructor(
    memory: CgroupDirectory | undefined,
    private readonly signal: AbortSignal | undefined,
  ) {
    if (memory?.version === 2) {
      this.watcher = watch(join(memory.path, 'memory.events'), () => this.wake());
      this.watcher.on('error', () => {}); // its end is seen by the look that follows
    }
    signal?.addEventListener('abort', this.stop);
  }

  async ring(ms: number): Promise<void> {
    if (ms <= 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  readonly stop = (): void => {
    this.watcher?.close();
    this.signal?.removeEventListener('abort', this.stop);
    this.wake();
  };
}
