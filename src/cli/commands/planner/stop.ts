import { BaseCommand } from '../../base-command.js';

export default class PlannerStop extends BaseCommand {
  static override summary = 'End the resident planner, and those that older versions of vlab left';
  static override examples = ['<%= config.bin %> planner stop'];

  async run(): Promise<unknown> {
    await this.parse(PlannerStop);
    const { stopPlanners } = await import('../../../oci/planner-process.js');
    const pids = await stopPlanners();
    this.log(pids.length > 0 ? `the planner has ended: process ${pids.join(', ')}` : 'no planner was running');
    return { pids };
  }
}
