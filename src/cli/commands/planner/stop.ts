import { BaseCommand } from '../../base-command.js';

export default class PlannerStop extends BaseCommand {
  static override summary = 'End the resident planner';
  static override examples = ['<%= config.bin %> planner stop'];

  async run(): Promise<unknown> {
    await this.parse(PlannerStop);
    const { stopPlanner } = await import('../../../oci/planner-process.js');
    const stopped = await stopPlanner();
    this.log(stopped ? 'the planner has ended' : 'no planner was running');
    return { stopped };
  }
}
