import { VlabError } from '../../base/errors.js';
import { watchEvents } from '../../container/cgroup/events.js';
import { readStats } from '../../container/cgroup/stats.js';
import { eventText } from '../../container/cgroup/stats-shape.js';
import { DONE, namedContainer, type Verb } from '../invocation.js';
import { findContainer } from '../locked-container.js';

const UNITS_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Statistics once (--stats), or a line of JSON an interval and for each want of memory, until the container ends. */
export const events: Verb = async (invocation) => {
  const { flags } = invocation;
  const { container, record, status } = findContainer(namedContainer(invocation));
  const statsMs = interval(flags.string('interval') ?? '5s');
  if (status === 'stopped' || status === 'creating') {
    throw new VlabError('operation', `container with id ${container.id} is not running`);
  }
  if (flags.has('stats')) {
    const event = { type: 'stats', id: container.id, data: readStats(record.cgroup) } as const;
    return { exitCode: 0, stdout: `${eventText(event)}\n` };
  }
  for await (const event of watchEvents(record.cgroup, container.id, { statsMs })) {
    process.stdout.write(`${eventText(event)}\n`);
  }
  return DONE;
};

/** As Go writes a duration: `5s`, `500ms`, `1m30s`. Error: `input`. */
function interval(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  const ms = parts.reduce((sum, [, number, unit]) => sum + Number(number) * (UNITS_MS[unit ?? ''] ?? 0), 0);
  if (parts.map(([part]) => part).join('') === text && ms > 0) return ms;
  throw new VlabError('input', `--interval ${text} is no duration above 0`, { hint: 'write it as 5s or 500ms' });
}
