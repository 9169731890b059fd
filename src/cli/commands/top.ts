import { VlabError } from '../../base/errors.js';
import { BaseCommand } from '../base-command.js';

export default class Top extends BaseCommand {
  static override tail = 'first-positional' as const;
  static override summary = 'Show the processes of a container';
  static override usage = '<%= command.id %> CONTAINER [OPTIONS OF ps(1)]';
  static override examples = ['<%= config.bin %> top web', '<%= config.bin %> top web -o pid,comm,rss'];

  async run(): Promise<{ Titles: string[]; Processes: string[][] }> {
    await this.parse(Top);
    const [text, ...options] = this.tail;
    if (text === undefined) throw new VlabError('input', 'no container is named', { exitCode: 1 });
    const { findContainer } = await import('../../engine/record/find-container.js');
    const { processesIn } = await import('../../engine/look/container-processes.js');
    const { alignTabs } = await import('../format/tab-columns.js');
    const { printable } = await import('../format/terminal-text.js');
    const { titles, rows } = await processesIn(findContainer(text), options);
    this.log(alignTabs([titles, ...rows].map((row) => row.map(printable).join('\t')).join('\n')).trimEnd());
    return { Titles: titles, Processes: rows };
  }
}
