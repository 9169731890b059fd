import { Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.js';
import { eachContainer } from '../each-container.js';

export default class Wait extends BaseCommand {
  static override tail = 'positionals' as const;
  static override summary = 'Wait until containers have ended, and print their exit codes';
  static override usage = '<%= command.id %> [FLAGS] CONTAINER...';
  static override examples = ['<%= config.bin %> wait web', '<%= config.bin %> wait --condition removed web'];
  static override flags = {
    condition: Flags.option({
      options: ['not-running', 'next-exit', 'removed'] as const,
      default: 'not-running',
      description: 'what to wait for',
    })(),
  };

  async run(): Promise<string[]> {
    const { flags } = await this.parse(Wait);
    const { findContainerId } = await import('../../engine/record/find-container.js');
    const { waitForContainer } = await import('../../engine/life/wait-container.js');
    // All are waited for from the first moment on: one that is removed at its end is gone when its turn comes.
    const waits = new Map<string, Promise<number>>();
    for (const text of this.tail) {
      const wait = (async () => waitForContainer(findContainerId(text), flags.condition))();
      wait.catch(() => {}); // told in its turn
      waits.set(text, wait);
    }
    return eachContainer(
      this.tail,
      async (text) => String(await waits.get(text)),
      (line) => this.log(line),
    );
  }
}
