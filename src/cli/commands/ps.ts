import { BaseCommand } from '../base-command.js';

export default class Ps extends BaseCommand {
  static override summary = 'List the containers that run in the background';
  static override examples = ['<%= config.bin %> ps', '<%= config.bin %> ps --json'];

  async run(): Promise<{ id: string; pid: number; command: string[]; startedAt: string }[]> {
    await this.parse(Ps);
    const { sweepOwners } = await import('../../sys/owners.js');
    const { runningContainers } = await import('../running-containers.js');
    await sweepOwners();
    const running = runningContainers().map(({ cgroups: _, ...shown }) => shown);
    if (running.length === 0) this.log('no container runs in the background');
    for (const { id, pid, command, startedAt } of running) {
      this.log(`${id}  ${String(pid).padStart(7)}  ${startedAt.slice(0, 19)}Z  ${command.join(' ')}`);
    }
    return running;
  }
}
