import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.js';

export default class KeeperRun extends BaseCommand {
  static override summary = 'Be the keeper: a service manager calls this';
  static override examples = ['<%= config.bin %> keeper run --service'];
  static override flags = {
    service: Flags.boolean({ description: 'stay when there is nothing to look after' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(KeeperRun);
    const { runKeeper } = await import('../../../engine/keeper/run-keeper.js');
    await runKeeper({ service: flags.service });
  }
}
