import { join } from 'node:path';
import { Flags } from '@oclif/core';
import { VlabError } from '../../base/errors.js';
import { BaseCommand } from '../base-command.js';

export default class Logs extends BaseCommand {
  static override tail = 'positionals' as const;
  static override summary = 'Show what a container has said';
  static override usage = '<%= command.id %> [FLAGS] CONTAINER';
  static override examples = ['<%= config.bin %> logs -f web', '<%= config.bin %> logs --tail 20 -t --since 10m web'];
  static override flags = {
    follow: Flags.boolean({ char: 'f', description: 'go on while the container runs' }),
    since: Flags.string({ helpValue: 'TIME', description: 'only from then on: 2026-01-02T15:04:05Z, or 10m (ago)' }),
    until: Flags.string({ helpValue: 'TIME', description: 'only until then' }),
    tail: Flags.string({ char: 'n', default: 'all', helpValue: 'N', description: 'only the last lines' }),
    timestamps: Flags.boolean({ char: 't', description: 'with the time of each line' }),
    details: Flags.boolean({ description: 'with labels and variables that the log was asked to keep' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Logs);
    const [name, ...more] = this.tail;
    if (name === undefined || more.length > 0) {
      throw new VlabError('input', '"vlab logs" requires exactly 1 argument', { hint: 'vlab logs CONTAINER' });
    }
    const { findContainer } = await import('../../engine/record/find-container.js');
    const { CONTAINER_FILES, containerDir } = await import('../../engine/record/container-files.js');
    const { readLog } = await import('../../engine/logs/read-log.js');
    const { LogPrinter } = await import('../attached/log-printer.js');
    const { id, definition, state } = findContainer(name);
    if (definition.log.driver === 'none') {
      throw new VlabError('operation', 'configured logging driver does not support reading', {
        hint: 'this container was made with --log-driver none',
        exitCode: 1,
      });
    }
    const tail = tailOf(flags.tail);
    const printer = new LogPrinter(process.stdout, process.stderr, flags.timestamps);
    const dir = containerDir(id);
    await readLog(
      join(dir, CONTAINER_FILES.log),
      {
        ...(flags.since === undefined ? {} : { since: await moment(flags.since) }),
        ...(flags.until === undefined ? {} : { until: await moment(flags.until) }),
        ...(tail === undefined ? {} : { tail }),
        ...(flags.follow ? await whileRuns(dir, state) : {}),
      },
      (entries) => printer.print(entries),
    );
    return { id };
  }
}

/** `all`, or what is less than nothing, is all. Error (`input`): no number. */
function tailOf(text: string): number | undefined {
  if (text === 'all') return undefined;
  if (/^-\d+$/.test(text)) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  throw new VlabError('input', `--tail ${text} is no number of lines`, { hint: 'write a number, or all' });
}

async function moment(text: string): Promise<string> {
  const { parseMoment } = await import('../format/moment.js');
  const { logTime } = await import('../../engine/logs/log-line.js');
  return logTime(parseMoment(text, Date.now()));
}

type State = Awaited<ReturnType<typeof import('../../engine/record/find-container.js')['findContainer']>>['state'];

/** `follow` settles when the container does not run, or does not any more. */
async function whileRuns(dir: string, state: State): Promise<{ follow: Promise<unknown> }> {
  const { isRunning } = await import('../../engine/record/container-status.js');
  const { watchEnd } = await import('../../engine/run/watch-end.js');
  const { process: init, monitor } = state;
  return { follow: !isRunning(state) || !init ? Promise.resolve() : watchEnd(dir, { init, monitor }) };
}
