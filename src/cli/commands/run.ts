import { VlabError } from '../../base/errors.js';
import { BaseCommand } from '../base-command.js';
import { CREATE_FLAGS, RUN_FLAGS } from '../container-flags/create-flags.js';
import type { CreateFlags } from '../container-flags/read-container.js';
import { isLaboratoryRun } from '../run-in-laboratory.js';

export default class Run extends BaseCommand {
  static override tail = 'first-positional' as const;
  static override failureExitCode = 125;
  static override summary = 'Run a program in a container: of an image, or of a directory';
  static override usage = [
    '<%= command.id %> [FLAGS] IMAGE [COMMAND] [ARG...]',
    '<%= command.id %> [FLAGS] --rootfs DIR [--] COMMAND [ARG...]',
  ];
  static override description =
    `The container gets mount, pid, network, ipc, uts and cgroup namespaces of its own (and a user namespace where vlab
does not run as root), the image or DIR as its root, the capabilities and masked paths that docker gives, and what is asked for.
Words behind the image, or behind the flags with --rootfs, are the program's.
The exit code is the program's own, 128+n when signal n ended it, 125 when vlab failed, 126 when the program cannot be
executed, 127 when it is not there. With --json the program's output goes to standard error.
With --rootfs in the foreground, and no flag that needs one, no record of it is kept: nothing is left at the end.`;
  static override examples = [
    '<%= config.bin %> run --rm busybox echo hello',
    '<%= config.bin %> run -it debian bash',
    '<%= config.bin %> run -d --name web -p 8080:80 nginx',
    '<%= config.bin %> run --rootfs probe /probe hello',
    '<%= config.bin %> run --rootfs ./alpine --memory 64m --cpus 0.5 --pids-limit 20 -- ls -la /',
    '<%= config.bin %> run --system -t --rootfs ./debian',
    '<%= config.bin %> run --rootfs probe --show-plan /probe hello',
  ];
  static override flags = { ...CREATE_FLAGS, ...RUN_FLAGS };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Run);
    if (isLaboratoryRun(flags)) return this.runInLaboratory(flags);
    if (flags['show-plan']) {
      throw new VlabError('input', '--show-plan shows what --rootfs DIR would do, with no flag that needs a record', {
        exitCode: 125,
      });
    }
    return this.runContainer(flags);
  }

  private async runInLaboratory(flags: CreateFlags & { rootfs: string }): Promise<unknown> {
    const { prepareLaboratoryRun } = await import('../run-in-laboratory.js');
    const { runContainer } = await import('../../container/run-container.js');
    const prepared = await prepareLaboratoryRun(flags, this.tail);
    if (flags['show-plan']) {
      const { planToJson, showPlan } = await import('../../sys/show.js');
      this.log(showPlan(prepared.plan).trimEnd());
      return { id: prepared.id, config: prepared.config, plan: planToJson(prepared.plan) };
    }
    const { exitCode, observed } = await runContainer(prepared, this.jsonEnabled() ? 2 : 'inherit');
    process.exitCode = exitCode;
    return { id: prepared.id, exitCode, pid: observed.pid, exit: observed.exit };
  }

  private async runContainer(flags: CreateFlags): Promise<unknown> {
    const { askedLine, makeContainer } = await import('../prepare-container.js');
    const line = askedLine(flags, this.tail);
    if (line.asked.tty && line.asked.attach.stdin && !process.stdin.isTTY) {
      throw new VlabError('input', 'the input device is not a TTY', { hint: 'leave out -t or -i', exitCode: 125 });
    }
    const { record } = await makeContainer(line, flags);
    const { id, definition } = record;
    if (flags.detach) {
      const { startOrUndo } = await import('../start-or-undo.js');
      const started = await startOrUndo(record, {});
      this.log(id);
      return { id, pid: started?.init.pid };
    }
    const { runAttached } = await import('../run-attached.js');
    const exitCode = await runAttached({
      ...{ record, isNew: true, attach: definition.attach },
      detachKeys: flags['detach-keys'],
      sigProxy: flags['sig-proxy'] === true && !definition.tty,
      ...(this.jsonEnabled() ? { stdout: process.stderr } : {}),
    });
    process.exitCode = exitCode;
    return { id, exitCode };
  }
}
