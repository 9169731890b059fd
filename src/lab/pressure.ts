import { readFile } from 'node:fs/promises';

/**
 * How busy the machine was: load averages (proc_loadavg(5)), pressure stall information (Documentation/accounting/psi.rst:
 * the share of wall time in which some task waited, in percent over the last 10 s) and the CPU time that a hypervisor above
 * took away (proc_stat(5)). A value that this kernel does not show is absent.
 */
export interface Pressure {
  load1: number;
  load5: number;
  load15: number;
  psiCpuSome10Percent?: number;
  psiMemorySome10Percent?: number;
  psiIoSome10Percent?: number;
  /** Since boot, all CPUs together, in clock ticks of 10 ms. The difference of two readings is what counts. */
  stealTicks?: number;
}

/** Reads the machine's pressure now. Costs four small reads; never throws for a file that is not there. */
export async function readPressure(proc = '/proc'): Promise<Pressure> {
  const [load, cpu, memory, io, stat] = await Promise.all(
    ['loadavg', 'pressure/cpu', 'pressure/memory', 'pressure/io', 'stat'].map((name) => readOrEmpty(`${proc}/${name}`)),
  );
  return parsePressure({ load, cpu, memory, io, stat });
}

/** The pure half: the texts of the five files to numbers. */
export function parsePressure(texts: {
  load: string | undefined;
  cpu: string | undefined;
  memory: string | undefined;
  io: string | undefined;
  stat: string | undefined;
}): Pressure {
  const [load1 = 0, load5 = 0, load15 = 0] = (texts.load ?? '').split(' ').slice(0, 3).map(Number);
  const pressure: Pressure = { load1, load5, load15 };
  const cpu = someAvg10(texts.cpu);
  const memory = someAvg10(texts.memory);
  const io = someAvg10(texts.io);
  const steal = /^cpu +(?:\d+ +){7}(\d+)/m.exec(texts.stat ?? '')?.[1];
  if (cpu !== undefined) pressure.psiCpuSome10Percent = cpu;
  if (memory !== undefined) pressure.psiMemorySome10Percent = memory;
  if (io !== undefined) pressure.psiIoSome10Percent = io;
  if (steal !== undefined) pressure.stealTicks = Number(steal);
  return pressure;
}

function someAvg10(text: string | undefined): number | undefined {
  const found = /^some avg10=([\d.]+)/m.exec(text ?? '')?.[1];
  return found === undefined ? undefined : Number(found);
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return '';
  }
}
