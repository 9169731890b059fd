import { BaseCommand } from '../../base-command.js';

export default class KeeperStop extends BaseCommand {
  static override summary = 'End the keeper: no container is started again or probed until there is one';
  static override examples = ['<%= config.bin %> keeper stop'];

  async run(): Promise<unknown> {
    await this.parse(KeeperStop);
    const { endKeeper } = await import('../../../engine/keeper/ensure-keeper.js');
    const { runningKeeper, withKeeper } = await import('../../../engine/keeper/keeper-place.js');
    const ended = await withKeeper(async () => {
      const keeper = runningKeeper();
      if (keeper) await endKeeper(keeper);
      return keeper;
    });
    this.log(ended ? `the keeper with pid ${ended.process.pid} has ended` : 'no keeper runs');
    return { pid: ended?.process.pid ?? null };
  }
}
