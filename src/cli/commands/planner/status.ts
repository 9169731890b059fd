import { BaseCommand } from '../../base-command.js';

export default class PlannerStatus extends BaseCommand {
  static override summary = 'Say whether the resident planner runs';
  static override description = 'The exit code is 0 when it runs, 1 when it does not.';
  static override examples = ['<%= config.bin %> planner status'];

  async run(): Promise<unknown> {
    await this.parse(PlannerStatus);
    const { runningPlanner } = await import('../../../oci/planner-process.js');
    const found = runningPlanner();
    this.log(found ? `the planner runs: process ${found.pid}` : 'no planner runs: `vlab planner start` starts one');
    if (!found) process.exitCode = 1;
    return { running: found !== undefined, ...(found ? { pid: found.pid } : {}) };
  }
}
