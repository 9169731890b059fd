/** What a container uses at this moment: docker's numbers, from its cgroup and its network namespace. */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { errnoOf } from '../../base/errors.js';
import { readStats } from '../../container/cgroup/stats.js';
import type { BlkioEntry } from '../../container/cgroup/stats-shape.js';
import { isRunning } from '../record/container-status.js';
import type { ContainerRecord } from '../record/records.js';

export interface Usage {
  /** ns of CPU time, and of the clock when they were read. */
  cpuNs: bigint;
  atNs: bigint;
  /** Without what the kernel can take back at once (inactive files of the page cache). */
  memoryBytes: number;
  /** The machine's, where it has no lower limit. */
  memoryLimitBytes: number;
  receivedBytes: number;
  sentBytes: number;
  readBytes: number;
  writtenBytes: number;
  processes: number;
}

/** Undefined: it does not run (any more). */
export function usageOf({ state }: ContainerRecord): Usage | undefined {
  const { process: init, cgroup } = state;
  if (!isRunning(state) || !init || !cgroup) return undefined;
  const stats = readStats(cgroup);
  const { memory, blkio } = stats;
  const reclaimable = memory.raw.total_inactive_file ?? memory.raw.inactive_file ?? 0n;
  const used = memory.usage.usage > reclaimable ? memory.usage.usage - reclaimable : memory.usage.usage;
  const limit = Number(memory.usage.limit);
  const io = blkio.ioServiceBytesRecursive ?? [];
  const { received, sent } = networkBytes(init.pid);
  return {
    cpuNs: stats.cpu.usage.total,
    atNs: process.hrtime.bigint(),
    memoryBytes: Number(used),
    memoryLimitBytes: limit > 0 && limit < totalmem() ? limit : totalmem(),
    ...{ receivedBytes: received, sentBytes: sent },
    ...{ readBytes: ioBytes(io, 'read'), writtenBytes: ioBytes(io, 'write') },
    processes: Number(stats.pids.current),
  };
}

/** Of one CPU: 200 is two of them wholly. */
export function cpuPercent(before: Usage, now: Usage): number {
  const elapsed = Number(now.atNs - before.atNs);
  return elapsed > 0 ? (Number(now.cpuNs - before.cpuNs) / elapsed) * 100 : 0;
}

function ioBytes(entries: readonly BlkioEntry[], op: 'read' | 'write'): number {
  return entries.filter((entry) => entry.op?.toLowerCase() === op).reduce((sum, { value }) => sum + Number(value), 0);
}

/** proc_pid_net(5), dev: of all interfaces of its network namespace but the loopback. */
function networkBytes(pid: number): { received: number; sent: number } {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/net/dev`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EINVAL', 'EACCES'].includes(errnoOf(error) ?? '')) return { received: 0, sent: 0 };
    throw error;
  }
  const total = { received: 0, sent: 0 };
  for (const line of text.split('\n').slice(2)) {
    const [name = '', numbers = ''] = line.split(':');
    const fields = numbers.trim().split(/\s+/).map(Number);
    if (name.trim() === 'lo' || fields.length < 9) continue;
    total.received += fields[0] ?? 0;
    total.sent += fields[8] ?? 0;
  }
  return total;
}
