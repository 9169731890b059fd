import { BaseCommand } from '../base-command.js';
import { EXEC_FLAGS } from '../container-flags/exec-flags.js';

export default class Exec extends BaseCommand {
  static override tail = 'first-positional' as const;
  static override failureExitCode = 125;
  static override summary = 'Run a further program in a running container';
  static override usage = '<%= command.id %> [FLAGS] CONTAINER COMMAND [ARG...]';
  static override description =
    `It joins the container's namespaces and cgroups, with its user, capabilities and filter. The exit code is the
program's own, 126 when it cannot be executed, 127 when it is not there.`;
  static override examples = ['<%= config.bin %> exec -it web sh', '<%= config.bin %> exec -u 1000 -w /tmp web ls'];
  static override flags = EXEC_FLAGS;

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Exec);
    const { readExec } = await import('../container-flags/exec-flags.js');
    const { surroundings } = await import('../surroundings.js');
    const { findContainer } = await import('../../engine/record/find-container.js');
    const { execPlace } = await import('../../engine/exec/exec-place.js');
    const { execProgram } = await import('../attached/exec-program.js');
    const { container, ...request } = readExec(flags, this.tail, surroundings());
    const record = findContainer(container);
    const { interactive: stdin, detach, detachKeys } = request;
    const exitCode = await execProgram(record, execPlace(record, request), { stdin, detach, detachKeys });
    process.exitCode = exitCode ?? 0;
    return { id: record.id, exitCode: exitCode ?? null };
  }
}
