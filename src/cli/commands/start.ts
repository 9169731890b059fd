import { Flags } from '@oclif/core';
import { VlabError } from '../../base/errors.js';
import { BaseCommand } from '../base-command.js';
import { eachContainer } from '../each-container.js';

export default class Start extends BaseCommand {
  static override tail = 'positionals' as const;
  static override summary = 'Start containers that are there';
  static override usage = '<%= command.id %> [FLAGS] CONTAINER...';
  static override examples = ['<%= config.bin %> start web db', '<%= config.bin %> start -ai shell'];
  static override flags = {
    attach: Flags.boolean({ char: 'a', description: 'show its output, and end as it does' }),
    interactive: Flags.boolean({ char: 'i', description: 'pass standard input on to it' }),
    'sig-proxy': Flags.boolean({ default: true, allowNo: true, description: 'with -a: pass signals on to it' }),
    'detach-keys': Flags.string({ description: 'keys that leave it: ctrl-p,ctrl-q' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Start);
    const { findContainer, findContainerId } = await import('../../engine/record/find-container.js');
    const { startContainer } = await import('../../engine/life/start-container.js');
    if (flags.attach || flags.interactive) {
      const [text, other] = this.tail;
      if (text === undefined || other !== undefined) {
        throw new VlabError('input', 'you cannot start and attach multiple containers at once', { exitCode: 1 });
      }
      const { runAttached } = await import('../run-attached.js');
      const record = findContainer(text);
      const attach = { stdin: flags.interactive === true, stdout: true, stderr: true };
      const sigProxy = flags['sig-proxy'] && !record.definition.tty;
      const exitCode = await runAttached({ record, attach, detachKeys: flags['detach-keys'], sigProxy });
      process.exitCode = exitCode;
      return { id: record.id, exitCode };
    }
    const act = async (text: string) => {
      await startContainer(findContainerId(text));
      return text;
    };
    return eachContainer(this.tail, act, (line) => this.log(line));
  }
}
