import { BaseCommand } from '../../base-command.js';

export default class KeeperStatus extends BaseCommand {
  static override summary = 'Say whether the keeper runs; exit code 1 when it does not';
  static override examples = ['<%= config.bin %> keeper status --json'];

  async run(): Promise<unknown> {
    await this.parse(KeeperStatus);
    const { runningKeeper } = await import('../../../engine/keeper/keeper-place.js');
    const keeper = runningKeeper();
    if (!keeper) process.exitCode = 1;
    const how = keeper?.service ? ', as a service' : '';
    this.log(
      keeper ? `the keeper runs with pid ${keeper.process.pid}${how}, since ${keeper.startedAt}` : 'no keeper runs',
    );
    return keeper ? { pid: keeper.process.pid, startedAt: keeper.startedAt, service: keeper.service } : { pid: null };
  }
}
