import { Args } from '@oclif/core';
import { BaseCommand } from '../base-command.js';

export default class Rename extends BaseCommand {
  static override summary = 'Give a container another name';
  static override examples = ['<%= config.bin %> rename web old-web'];
  static override args = {
    container: Args.string({ required: true, description: 'name or id of the container' }),
    name: Args.string({ required: true, description: 'its new name' }),
  };

  async run(): Promise<void> {
    const { args } = await this.parse(Rename);
    const { findContainerId } = await import('../../engine/record/find-container.js');
    const { renameContainer } = await import('../../engine/life/rename-container.js');
    await renameContainer(findContainerId(args.container), args.name);
  }
}
