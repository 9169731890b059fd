import { BaseCommand } from '../base-command.js';
import { readUpdate, UPDATE_FLAGS } from '../container-flags/update-flags.js';
import { eachContainer } from '../each-container.js';

export default class Update extends BaseCommand {
  static override tail = 'positionals' as const;
  static override summary = 'Change limits and restart policies of containers, while they run too';
  static override usage = '<%= command.id %> [FLAGS] CONTAINER...';
  static override examples = [
    '<%= config.bin %> update --memory 64m --cpus 0.5 web',
    '<%= config.bin %> update --restart always web db',
  ];
  static override flags = UPDATE_FLAGS;

  async run(): Promise<string[]> {
    const { flags } = await this.parse(Update);
    const { findContainerId } = await import('../../engine/record/find-container.js');
    const { updateContainer } = await import('../../engine/life/update-container.js');
    const asked = readUpdate(flags);
    const act = async (text: string) => {
      for (const warning of await updateContainer(findContainerId(text), asked))
        process.stderr.write(`WARNING: ${warning}\n`);
      return text;
    };
    return eachContainer(this.tail, act, (line) => this.log(line));
  }
}
