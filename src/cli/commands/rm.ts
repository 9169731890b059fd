import { Flags } from '@oclif/core';
import { VlabError } from '../../base/errors.js';
import { BaseCommand } from '../base-command.js';
import { eachContainer, SIDE_BY_SIDE } from '../each-container.js';

export default class Rm extends BaseCommand {
  static override tail = 'positionals' as const;
  static override summary = 'Remove containers';
  static override usage = '<%= command.id %> [FLAGS] CONTAINER...';
  static override examples = ['<%= config.bin %> rm web', '<%= config.bin %> rm -fv web db'];
  static override flags = {
    force: Flags.boolean({ char: 'f', description: 'kill those that run; one that is not there is no error' }),
    volumes: Flags.boolean({ char: 'v', description: 'remove their anonymous volumes too' }),
  };

  async run(): Promise<string[]> {
    const { flags } = await this.parse(Rm);
    const { findContainerId } = await import('../../engine/record/find-container.js');
    const { removeContainer } = await import('../../engine/life/remove-container.js');
    const act = async (text: string) => {
      try {
        await removeContainer(findContainerId(text), flags);
      } catch (error) {
        // As docker has it: who forces wants it gone, and gone it is. Only the message tells.
        if (!flags.force || !(error instanceof VlabError) || !error.message.startsWith('No such container'))
          throw error;
        process.stderr.write(`${error.message}\n`);
        return undefined;
      }
      return text;
    };
    return eachContainer(this.tail, act, (line) => this.log(line), SIDE_BY_SIDE);
  }
}
