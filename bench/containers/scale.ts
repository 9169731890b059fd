/** Starting one more container, and what each one costs, with many of them idle. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { VlabError } from '../../src/base/errors.js';
import { prepareRun } from '../../src/container/run-container.js';
import { situationFor } from '../../src/container/situation-for.js';
import { startDetached } from '../../src/container/start-detached.js';
import { driver, jobConfig } from '../../src/drivers/container.js';
import type { Job } from '../../src/drivers/driver.js';
import { runningPlanner } from '../../src/oci/planner-process.js';
import { seededRandom, shuffle } from '../../src/stats/random.js';
import { pairedRatio } from '../../src/stats/ratio.js';
import { launcherPid } from '../../src/sys/launcher.js';
import { hasEnded, type Process, parentOf, processOf } from '../../src/sys/owners.js';
import { signalIfThere } from '../../src/sys/signal.js';
import { openFloor } from '../floor.js';
import { residentRuntime } from '../own-runtime.js';
import { median, milliseconds, ratioCell } from './cells.js';
import type { MeasurePart } from './part.js';

const COUNTS = [0, 50, 200, 500, 1000] as const;

export const scale: MeasurePart = async ({ scratchDir, rootfs, rounds, seed, say }) => {
  const job: Job = {
    rootfs,
    command: ['/probe', 'hello'],
    env: {},
    limits: {},
    ready: 'first-byte',
    scratchDir,
    options: {},
  };
  const config = jobConfig(job, 'bench-floor', undefined);
  const floor = await openFloor(config, await situationFor(config), join(scratchDir, 'floor.out'));
  await using prepared = await driver.prepare(job);
  const idle: Process[] = [];
  const random = seededRandom(seed, 'scale');
  const rows: string[][] = [];
  const values: Record<string, object> = {};
  let count = 0;
  try {
    const before = kernelKib();
    let memory: Record<string, number> = {};
    for (const containers of COUNTS) {
      while (idle.length < containers) idle.push(await startIdle(rootfs));
      await sleep(500); // what ended in between is torn down meanwhile
      const times = { vlab: [] as number[], floor: [] as number[] };
      for (let round = -3; round < rounds; round++) {
        for (const arm of shuffle(['vlab', 'floor'] as const, random)) {
          let ns: number;
          if (arm === 'floor') {
            const at = await floor.start(`bench-floor-${process.pid}-${count++}`);
            ns = Number(at.exec - at.requested);
          } else {
            await using instance = await prepared.start(AbortSignal.timeout(30_000));
            await instance.wait();
            ns = Number((instance.checkpoints.exec ?? 0n) - (instance.checkpoints.requested ?? 0n));
          }
          if (round >= 0) times[arm].push(ns);
        }
      }
      values[containers] = times;
      rows.push([
        String(containers),
        milliseconds(median(times.floor)),
        milliseconds(median(times.vlab)),
        ratioCell(pairedRatio(times.vlab, times.floor, seededRandom(seed, `scale ${containers}`))),
      ]);
      say(`scale: ${containers} idle containers`);
      if (containers === COUNTS.at(-1)) {
        memory = { ...memoryOf(idle, before), [PLANNER]: await plannerPssKib(scratchDir) };
      }
    }
    values.memoryKib = memory;
    rows.push(...Object.entries(memory).map(([what, kib]) => [what, '', `${kib.toFixed(1)} KiB`, '']));
  } finally {
    floor[Symbol.dispose]();
    for (const { pid } of idle) signalIfThere(pid, 'SIGKILL');
    while (idle.some((one) => !hasEnded(one))) await sleep(20);
  }
  return {
    title: 'With many idle containers',
    how: `request → exec of one more, by the running launcher and by floor.c, ${rounds} rounds in random order at each count. Memory with ${COUNTS.at(-1)} of them; per container where it does not say otherwise.`,
    head: ['idle containers', 'floor', 'vlab', 'ratio (95 %)'],
    rows,
    values,
  };
};

async function startIdle(rootfs: string): Promise<Process> {
  const prepared = await prepareRun({ rootfs, command: ['/probe', 'sleep', '3600'], env: {}, detached: true });
  return processOf((await startDetached(prepared)).pid);
}

const PLANNER = 'the planner, once, after 100 commands, PSS';

async function plannerPssKib(scratchDir: string): Promise<number> {
  const { path, close } = await residentRuntime(scratchDir);
  try {
    for (let command = 0; command < 100; command++) {
      const { status } = spawnSync(path, ['--root', join(scratchDir, 'none'), 'list']);
      if (status !== 0) throw new VlabError('operation', `vlab-oci list ended with ${status}`);
    }
    const planner = runningPlanner();
    if (!planner) throw new VlabError('operation', 'the planner has ended while its memory was to be measured');
    return pssKib(planner.pid);
  } finally {
    await close();
  }
}

/** Kernel memory of the whole machine by kind, KiB (proc_meminfo(5)). */
function kernelKib(): Record<string, number> {
  const text = readFileSync('/proc/meminfo', 'utf8');
  const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  return { Slab: of('Slab'), PageTables: of('PageTables'), KernelStack: of('KernelStack'), Percpu: of('Percpu') };
}

/** Proportional set size (proc_pid_smaps(5)), KiB. */
function pssKib(pid: number): number {
  const [, kib] = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
  return Number(kib ?? 0);
}

function memoryOf(idle: readonly Process[], before: Record<string, number>): Record<string, number> {
  const each = (total: number) => total / idle.length;
  const performers = idle.map(({ pid }) => parentOf(pid) ?? 0);
  const sum = (pids: readonly number[]) => pids.reduce((total, pid) => total + pssKib(pid), 0);
  const after = kernelKib();
  const launcher = launcherPid();
  return {
    'the program itself, PSS': each(sum(idle.map(({ pid }) => pid))),
    'beyond it: its performer, PSS': each(sum(performers)),
    ...Object.fromEntries(
      Object.keys(before).map((name) => [`kernel: ${name}`, each((after[name] ?? 0) - (before[name] ?? 0))]),
    ),
    'the launcher, once, PSS': launcher === undefined ? 0 : pssKib(launcher),
  };
}
