/** This boot of the machine, and processes of it: pids and start times say nothing in another one. */
import { readFileSync } from 'node:fs';
import { hasEnded, type Process, processOf } from '../../sys/owners.js';
import type { BootProcess } from './container-state.js';

let known: string | undefined;

/** /proc/sys/kernel/random/boot_id (random(4)). */
export function bootId(): string {
  known ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return known;
}

export function inThisBoot(process: Process): BootProcess {
  return { pid: process.pid, startTime: process.startTime, bootId: bootId() };
}

export function bootProcessOf(pid: number): BootProcess {
  return inThisBoot(processOf(pid));
}

/** Whether it still runs; a zombie does not. */
export function stillRuns(process: BootProcess | undefined): process is BootProcess {
  return process !== undefined && process.bootId === bootId() && !hasEnded(process);
}
