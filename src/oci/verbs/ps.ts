import { VlabError } from '../../base/errors.js';
import { run } from '../../base/exec.js';
import { processesOf } from '../../container/cgroup/processes.js';
import { namedContainer, type Verb } from '../invocation.js';
import { findContainer } from '../locked-container.js';

/** The container's processes: their pids as JSON, or the lines that ps(1) has for them. */
export const ps: Verb = async (invocation) => {
  const { flags, rest } = invocation;
  const { container, record, status } = findContainer(namedContainer(invocation));
  const format = flags.string('format') ?? 'table';
  if (format !== 'table' && format !== 'json')
    throw new VlabError('input', `invalid format option ${format}: table or json`);
  if (status === 'stopped' || status === 'creating') {
    throw new VlabError('operation', `cannot list the processes of container ${container.id}: it is ${status}`);
  }
  const pids = processesOf(record.cgroup);
  if (format === 'json') return { exitCode: 0, stdout: `${JSON.stringify(pids)}\n` };
  const options = rest.length > 1 ? rest.slice(1) : ['-ef'];
  const { stdout, stderr, exitCode } = await run('ps', options);
  const [head = '', ...lines] = stdout.split('\n');
  const column = head.trim().split(/\s+/).indexOf('PID');
  if (exitCode !== 0 || column < 0) {
    throw new VlabError('input', `ps ${options.join(' ')} has no column PID: ${stderr.trim()}`, {
      hint: 'choose options that show it',
    });
  }
  const shown = lines.filter((line) => pids.includes(Number(line.trim().split(/\s+/)[column])));
  return { exitCode: 0, stdout: `${[head, ...shown].join('\n')}\n` };
};
