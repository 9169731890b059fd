import { BaseCommand } from '../../base-command.js';

export default class KeeperStart extends BaseCommand {
  static override summary = 'Start the keeper; it ends when there is nothing to look after';
  static override examples = ['<%= config.bin %> keeper start'];
  static override description =
    'The keeper starts containers again that have a restart policy, and runs health checks. vlab starts it by itself when a\ncontainer needs it.';

  async run(): Promise<unknown> {
    await this.parse(KeeperStart);
    const { ensureKeeper } = await import('../../../engine/keeper/ensure-keeper.js');
    const { runningKeeper } = await import('../../../engine/keeper/keeper-place.js');
    await ensureKeeper();
    const keeper = runningKeeper();
    this.log(
      keeper ? `the keeper runs, with pid ${keeper.process.pid}` : 'the keeper has nothing to do, and has ended',
    );
    return { pid: keeper?.process.pid ?? null };
  }
}
