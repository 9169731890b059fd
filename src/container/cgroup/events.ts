/** What happens to a running container's resources, as it happens (`events`). */
import { existsSync, type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';
import { type Cgroup, type CgroupDirectory, directoryOf, unifiedOf } from './cgroup.js';
import { keyed, readControl } from './control-file.js';
import { processesBelow } from './processes.js';
import { readStats } from './stats.js';
import type { ContainerEvent } from './stats-shape.js';

/** Version 1 tells of its counter only who has an eventfd, so it is looked at this often. */
const LOOK_MS = 100;
/** Version 2 tells of its files by inotify(7); a look now and then is for what it may have been too late to hear. */
const SELDOM_MS = 1000;

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
  const unified = unifiedOf(cgroup);
  const lookMs = memory?.version === 1 || !unified ? LOOK_MS : SELDOM_MS;
  const alarm = new Alarm(unified, signal);
  try {
    let seen = memory ? oomCount(memory) : 0n;
    let statsAt = statsMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + statsMs;
    while (!signal?.aborted) {
      await alarm.ring(Math.min(lookMs, statsAt - performance.now()));
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

/** Rings after a time, when the kernel says that something has happened, or when nobody wants to hear it any more. */
class Alarm {
  private wake: () => void = () => {};
  /** Something has happened since the last ring. */
  private rung = false;
  private readonly watchers: FSWatcher[] = [];

  constructor(
    unified: CgroupDirectory | undefined,
    private readonly signal: AbortSignal | undefined,
  ) {
    for (const file of ['memory.events', 'cgroup.events']) {
      const path = unified && join(unified.path, file);
      if (!path || !existsSync(path)) continue;
      const watcher = watch(path, () => {
        this.rung = true;
        this.wake();
      });
      watcher.on('error', () => {}); // its end is seen by the look that follows
      this.watchers.push(watcher);
    }
    signal?.addEventListener('abort', this.stop);
  }

  async ring(ms: number): Promise<void> {
    if (ms > 0 && !this.rung) await this.wait(ms);
    this.rung = false;
  }

  private wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  readonly stop = (): void => {
    for (const watcher of this.watchers) watcher.close();
    this.signal?.removeEventListener('abort', this.stop);
    this.wake();
  };
}
