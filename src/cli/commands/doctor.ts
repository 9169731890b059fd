import { BaseCommand } from '../base-command.js';

export default class Doctor extends BaseCommand {
  static override summary = 'Test what this machine can do, and say how to mend what it cannot';
  async run(): Promise<unknown> {
    await this.parse(Doctor);
    this.log('x');
    return { checks: [] };
  }
}
