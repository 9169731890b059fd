/** The facts about the machine that a reader asks for first, as pairs of name and value. */
import type { Manifest } from '../lab/manifest.js';
import type { Pressure } from '../lab/pressure.js';

const GIB = 2 ** 30;

export function hostTable({
  host,
  versions,
  pressureBefore,
  pressureAfter,
}: Manifest): [name: string, value: string][] {
  const { cpu, memory, kernel, os, hypervisor, cgroups } = host;
  const facts: [string, string | null | undefined][] = [
    ['CPU', `${cpu.model}, ${cpu.logicalCpus} logical, ${cpu.physicalCores} cores`],
    [
      'governor, SMT',
      [cpu.governor, cpu.smt && `SMT ${cpu.smt === 'notsupported' ? 'not supported' : cpu.smt}`]
        .filter(Boolean)
        .join(', '),
    ],
    ['memory', `${(memory.totalBytes / GIB).toFixed(1)} GiB`],
    ['kernel', `${kernel.release} ${kernel.arch}`],
    ['kernel parameters', kernel.parameters.join(' ')],
    ['system', `${os.distribution} ${os.version}`],
    [
      'below it',
      hypervisor.present ? `a hypervisor${hypervisor.name ? ` (${hypervisor.name})` : ''}` : 'no hypervisor',
    ],
    ['cgroups', cgroups.layout],
    ['clock source', host.clocksource],
    [
      'mitigations',
      Object.entries(cpu.mitigations)
        .map(([name, value]) => `${name}: ${value}`)
        .join('; '),
    ],
    [
      'versions',
      Object.entries(versions)
        .map(([name, value]) => `${name} ${value}`)
        .join(', '),
    ],
    ['load before', pressureText(pressureBefore)],
    ['load after', pressureAfter && pressureText(pressureAfter)],
    ['CPU time taken away', pressureAfter && stealText(pressureBefore, pressureAfter)],
  ];
  return facts.flatMap(([name, value]) => (value ? [[name, value] as [string, string]] : []));
}

function pressureText(pressure: Pressure): string {
  const stalls = [
    ['CPU', pressure.psiCpuSome10Percent],
    ['memory', pressure.psiMemorySome10Percent],
    ['I/O', pressure.psiIoSome10Percent],
  ].flatMap(([name, percent]) => (percent === undefined ? [] : [`${name} ${percent} %`]));
  const waiting = stalls.length === 0 ? '' : `; tasks waited for ${stalls.join(', ')} of the last 10 s`;
  return `${pressure.load1} over 1 min, ${pressure.load5} over 5 min${waiting}`;
}

/** steal in proc_stat(5): time that a hypervisor gave to others. */
function stealText(before: Pressure, after: Pressure): string | undefined {
  if (before.stealTicks === undefined || after.stealTicks === undefined) return undefined;
  return `${((after.stealTicks - before.stealTicks) / 100).toFixed(2)} s during the run, all CPUs together`;
}
