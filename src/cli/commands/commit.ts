import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.js';

export default class CommitCommand extends BaseCommand {
  static override summary = 'Make an image of a container and what it has changed';
  static override examples = ['<%= config.bin %> commit -m "with curl" web web:curl'];
  static override args = {
    container: Args.string({ required: true, description: 'name or id of the container' }),
    name: Args.string({ description: 'NAME[:TAG] of the image' }),
  };
  static override flags = {
    author: Flags.string({ char: 'a', description: 'who made it' }),
    change: Flags.string({
      char: 'c',
      multiple: true,
      helpValue: 'INSTRUCTION',
      description: 'an instruction of a Dockerfile: CMD, ENV, …',
    }),
    message: Flags.string({ char: 'm', description: "what the image's history says of it" }),
    pause: Flags.boolean({ char: 'p', default: true, allowNo: true, description: 'let it stand still meanwhile' }),
  };

  async run(): Promise<{ id: string }> {
    const { args, flags } = await this.parse(CommitCommand);
    const { findContainerId } = await import('../../engine/record/find-container.js');
    const { commitContainer } = await import('../../engine/files/commit-container.js');
    const { applyChanges } = await import('../../build/apply-changes.js');
    const { parseReference, withDefaultTag } = await import('../../image/reference.js');
    const reference = args.name === undefined ? undefined : withDefaultTag(parseReference(args.name));
    const { id } = await commitContainer(findContainerId(args.container), {
      reference,
      author: flags.author,
      change: (config) => applyChanges(flags.change ?? [], config),
      message: flags.message,
      pause: flags.pause,
    });
    this.log(id);
    return { id };
  }
}
