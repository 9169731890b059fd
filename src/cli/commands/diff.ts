import { Args } from '@oclif/core';
import { BaseCommand } from '../base-command.js';

export default class Diff extends BaseCommand {
  static override summary = 'Show what a container has changed of its image: A added, C changed, D deleted';
  static override examples = ['<%= config.bin %> diff web'];
  static override args = {
    container: Args.string({ required: true, description: 'name or id of the container' }),
  };

  async run(): Promise<{ kind: string; path: string }[]> {
    const { args } = await this.parse(Diff);
    const { findContainer } = await import('../../engine/record/find-container.js');
    const { changesOf } = await import('../../engine/files/container-changes.js');
    const { printable } = await import('../format/terminal-text.js');
    const changes = await changesOf(findContainer(args.container));
    for (const { kind, path } of changes) this.log(`${kind} ${printable(path)}`);
    return changes;
  }
}
