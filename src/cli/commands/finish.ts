import { BaseCommand } from '../base-command.js';

export default class Finish extends BaseCommand {
  static override tail = 'first-positional' as const;
  static override summary = 'Do what must follow when a container has ended: its monitor calls it';
  static override usage = '<%= command.id %> ID';
  static override examples = ['<%= config.bin %> finish 3f9c01d2ab77'];

  async run(): Promise<void> {
    await this.parse(Finish);
    const { settleUnlessGone } = await import('../../engine/life/signal-container.js');
    for (const id of this.tail) await settleUnlessGone(id);
  }
}
