import { BaseCommand } from '../../base-command.js';

export default class PlannerStart extends BaseCommand {
  static override summary = 'Start the resident planner: vlab-oci then costs no start of Node';
  static override description =
    `It decides for callers of this user in these namespaces, and stays until \`vlab planner stop\`.
The native vlab-oci (\`vlab oci install\`) uses it where it runs, and does the same without it where it does not.`;
  static override examples = ['<%= config.bin %> planner start'];

  async run(): Promise<unknown> {
    await this.parse(PlannerStart);
    const { startPlanner } = await import('../../../oci/planner-process.js');
    const { pid, started } = await startPlanner();
    this.log(`the planner ${started ? 'runs' : 'was running already'}: process ${pid}`);
    return { pid, started };
  }
}
