/** What ps(1) of this host says of a container's processes, as docker's `top` shows it. */
import { VlabError } from '../../base/errors.js';
import { run } from '../../base/exec.js';
import { processesOf } from '../../container/cgroup/processes.js';
import { isRunning } from '../record/container-status.js';
import type { ContainerRecord } from '../record/records.js';

export interface Processes {
  titles: string[];
  rows: string[][];
}

/** `options`: of ps; default `-ef`. Errors: `operation` when it does not run; `input` for options that show no pid. */
export async function processesIn({ id, state }: ContainerRecord, options: readonly string[]): Promise<Processes> {
  if (!isRunning(state) || !state.cgroup) {
    throw new VlabError('operation', `container ${id} is not running`);
  }
  const pids = processesOf(state.cgroup);
  const asked = options.length > 0 ? options : ['-ef'];
  const { stdout, stderr, exitCode } = await run('ps', asked);
  if (exitCode !== 0) throw new VlabError('input', `ps: ${stderr.trim().split('\n')[0] ?? ''}`, { exitCode: 1 });
  const [head = '', ...lines] = stdout.split('\n').filter((line) => line.trim() !== '');
  const titles = head.trim().split(/\s+/);
  const at = titles.indexOf('PID');
  if (at < 0) {
    throw new VlabError('input', "Couldn't find PID field in ps output", {
      hint: 'choose options that show it',
      exitCode: 1,
    });
  }
  const rows = lines.map((line) => columnsOf(line, titles.length)).filter((row) => pids.includes(Number(row[at])));
  return { titles, rows };
}

/** The last column may hold spaces. */
function columnsOf(line: string, count: number): string[] {
  const words = line.trim().split(/\s+/);
  return [...words.slice(0, count - 1), words.slice(count - 1).join(' ')];
}
