import { EXIT_CODES } from '../../base/errors.js';
import { BaseCommand } from '../base-command.js';
import { colourWanted } from '../colour.js';
import type { Checked } from '../doctor/check.js';

export default class Doctor extends BaseCommand {
  static override summary = 'Test what this machine can do, and say how to mend what it cannot';
  static override description =
    `Each check does the thing that it asks about: it makes the namespace, mounts the overlay, writes the limit, compiles
the program, boots the guest. What works is marked ✓, what vlab can do without –, what it needs ✗.

Ends with 0 when vlab can work here, and with 77 when it cannot.`;
  static override examples = [
    { description: 'All checks', command: '<%= config.bin %> doctor' },
    {
      description: 'For a script',
      command: `<%= config.bin %> doctor --json | jq '.checks[] | select(.status != "ok")'`,
    },
  ];

  async run(): Promise<{ ok: boolean; checks: Checked[] }> {
    await this.parse(Doctor);
    const [{ runChecks }, { allChecks }, { renderChecked, renderVerdict }] = await Promise.all([
      import('../doctor/check.js'),
      import('../doctor/all-checks.js'),
      import('../doctor/render-checks.js'),
    ]);
    const colour = colourWanted(process.stdout, process.env);
    const checks = await runChecks(allChecks(), (checked) => this.log(renderChecked(checked, colour)));
    this.log(`\n${renderVerdict(checks)}`);
    const ok = checks.every((checked) => checked.status !== 'fail');
    if (!ok) process.exitCode = EXIT_CODES.host;
    return { ok, checks };
  }
}
