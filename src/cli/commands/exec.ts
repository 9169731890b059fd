import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Flags } from '@oclif/core';
import { VlabError } from '../../base/errors.js';
import { runDir } from '../../base/paths.js';
import { BaseCommand } from '../base-command.js';
import { environment } from '../environment.js';

export default class Exec extends BaseCommand {
  static override tail = 'first-positional' as const;
  static override summary = 'Run a further program in a container that runs in the background';
  static override usage = '<%= command.id %> [FLAGS] ID COMMAND [ARG...]';
  static override description =
    `It joins the container's namespaces and cgroups, with its user, capabilities and filter.
An id may be shortened as long as it fits only one container. The exit code is the program's own.`;
  static override examples = ['<%= config.bin %> exec -it vlab-3f sh', '<%= config.bin %> exec vlab-3f ps'];
  static override flags = {
    tty: Flags.boolean({ char: 't', description: 'give the program a terminal of its own' }),
    interactive: Flags.boolean({ char: 'i', description: 'for docker’s reflexes: standard input is always passed' }),
    env: Flags.string({ char: 'e', multiple: true, helpValue: 'NAME=VALUE', description: 'environment variable' }),
    workdir: Flags.string({ char: 'w', description: 'working directory in the container' }),
    detach: Flags.boolean({ char: 'd', exclusive: ['tty'], description: 'return when the program runs' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Exec);
    const [prefix, ...args] = this.tail;
    if (prefix === undefined || args.length === 0) {
      throw new VlabError('input', 'no container or no command is given', { hint: 'vlab exec ID COMMAND' });
    }
    const { oneRunning } = await import('../running-containers.js');
    const { CONFIG_FILE } = await import('../../container/start-detached.js');
    const { parseConfig } = await import('../../container/config/parse-config.js');
    const { ownedExecDirectories } = await import('../../container/cgroup/exec-directories.js');
    const { ColdCaller } = await import('../../oci/cold-caller.js');
    const { execIn } = await import('../../oci/exec-in.js');
    const { ownedStdio } = await import('../../oci/descriptors.js');
    const { processOf } = await import('../../sys/owners.js');
    const { nativeBinary } = await import('../../sys/native.js');
    const { id, pid, cgroups } = oneRunning(prefix);
    const config = parseConfig(readFileSync(join(runDir(), 'containers', id, CONFIG_FILE), 'utf8'));
    const added = Object.entries(environment(flags.env ?? [])).map(([name, value]) => `${name}=${value}`);
    const process_ = {
      ...config.process,
      args,
      env: [...config.process.env, ...(flags.tty ? ['TERM=xterm'] : []), ...added],
      cwd: flags.workdir ?? config.process.cwd,
      terminal: flags.tty ?? false,
    };
    const caller = new ColdCaller(args);
    const running = { init: processOf(pid), cgroups: ownedExecDirectories(cgroups, pid) };
    const exitCode = await execIn(caller, { ...config, process: process_ }, running, {
      ...(flags.detach ? {} : { foreground: { relayPath: await nativeBinary('vlab-relay') } }),
      preserved: [],
      ownedStdio: ownedStdio(caller),
    });
    caller.close();
    process.exitCode = exitCode ?? 0;
    return { id, exitCode: exitCode ?? null };
  }
}
