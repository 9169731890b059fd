import { Flags } from '@oclif/core';
import { VlabError } from '../../base/errors.js';
import type { OciSeccomp } from '../../container/config/schema.js';
import { BaseCommand } from '../base-command.js';
import { environment } from '../environment.js';
import { rootfsOf } from '../rootfs.js';

export default class Run extends BaseCommand {
  static override tail = 'first-positional' as const;
  static override summary = "Run a program in vlab's own container";
  static override usage = '<%= command.id %> --rootfs DIR [FLAGS] [--] COMMAND [ARG...]';
  static override description =
    `The container gets mount, pid, network, ipc, uts and cgroup namespaces of its own (and a user namespace where vlab
does not run as root), DIR as its root, the capabilities and masked paths that docker gives, and the limits asked for.
The exit code is the program's own, 128+n when signal n ended it, 125 when vlab failed, 126 when the program cannot be
executed, 127 when it is not there. With --json the program's output goes to standard error.`;
  static override examples = [
    '<%= config.bin %> run --rootfs probe /probe hello',
    '<%= config.bin %> run -it --rootfs ./alpine sh',
    '<%= config.bin %> run --rootfs ./alpine --memory 64m --cpus 0.5 --pids-limit 20 -- ls -la /',
    '<%= config.bin %> run --system -t --rootfs ./debian',
    '<%= config.bin %> run --rootfs probe --show-plan /probe hello',
  ];

  static override flags = {
    rootfs: Flags.string({
      required: true,
      helpValue: 'DIR',
      description: 'root file system, or probe for the built-in one',
    }),
    tty: Flags.boolean({ char: 't', description: 'give the program a terminal of its own' }),
    detach: Flags.boolean({
      char: 'd',
      exclusive: ['tty'],
      description: 'run it in the background and print its id; see vlab ps and vlab kill',
    }),
    interactive: Flags.boolean({ char: 'i', description: 'for docker’s reflexes: standard input is always passed' }),
    env: Flags.string({ char: 'e', multiple: true, helpValue: 'NAME=VALUE', description: 'environment variable' }),
    workdir: Flags.string({ char: 'w', default: '/', description: 'working directory in the container' }),
    hostname: Flags.string({ description: 'host name in the container' }),
    init: Flags.boolean({
      exclusive: ['system'],
      description: 'let catatonit be the first process: it passes signals on and reaps what the program leaves behind',
    }),
    seccomp: Flags.string({
      default: 'default',
      helpValue: 'PROFILE',
      description: 'which system calls there are: default, unconfined, or a file with an OCI profile',
    }),
    'read-only': Flags.boolean({ description: 'mount the root file system read-only' }),
    memory: Flags.string({ char: 'm', helpValue: 'SIZE', description: 'memory limit: 64m, 1g' }),
    cpus: Flags.string({ helpValue: 'N', description: 'CPU time limit in CPUs: 0.5 is half of one' }),
    system: Flags.boolean({
      description:
        'boot an init (systemd, busybox, OpenRC): /run, cgroups of its own, halt and reboot; default /sbin/init',
    }),
    'pids-limit': Flags.integer({ min: 1, description: 'how many processes and threads there may be' }),
    'show-plan': Flags.boolean({ description: 'print the system calls, each with its reason, and start nothing' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Run);
    if (this.tail.length === 0 && !flags.system) {
      throw new VlabError('input', 'no command to run', {
        hint: 'write it behind the flags: vlab run --rootfs DIR sh',
      });
    }
    const { prepareRun, runContainer } = await import('../../container/run-container.js');
    const { memoryFlag } = await import('../size.js');
    const seccomp = await profileOf(flags.seccomp);
    const prepared = await prepareRun({
      rootfs: await rootfsOf(flags.rootfs),
      command: this.tail,
      env: environment(flags.env ?? []),
      cwd: flags.workdir,
      ...(flags.hostname === undefined ? {} : { hostname: flags.hostname }),
      ...(flags.tty ? { terminal: true } : {}),
      ...(flags.detach ? { detached: true } : {}),
      ...(flags.system ? { system: true } : {}),
      ...(flags['read-only'] ? { readonlyRoot: true } : {}),
      ...(flags.init ? { init: await reaper() } : {}),
      ...(seccomp === undefined ? {} : { seccomp }),
      ...(flags.memory === undefined ? {} : { memoryBytes: memoryFlag('--memory', flags.memory) }),
      ...(flags.cpus === undefined ? {} : { cpus: cpusFlag(flags.cpus) }),
      ...(flags['pids-limit'] === undefined ? {} : { pids: flags['pids-limit'] }),
    });
    if (flags['show-plan']) {
      const { planToJson, showPlan } = await import('../../sys/show.js');
      this.log(showPlan(prepared.plan).trimEnd());
      return { id: prepared.id, config: prepared.config, plan: planToJson(prepared.plan) };
    }
    if (flags.detach) {
      const { startDetached } = await import('../../container/start-detached.js');
      const { pid } = await startDetached(prepared);
      this.log(prepared.id);
      return { id: prepared.id, pid, outputDir: prepared.outputDir };
    }
    const { exitCode, observed } = await runContainer(prepared, this.jsonEnabled() ? 2 : 'inherit');
    process.exitCode = exitCode;
    return { id: prepared.id, exitCode, pid: observed.pid, exit: observed.exit };
  }
}

/** Errors: `input` for a file that is no profile, or one whose calls somebody would have to be asked about. */
async function profileOf(flag: string): Promise<OciSeccomp | 'unconfined' | undefined> {
  if (flag === 'default') return undefined;
  if (flag === 'unconfined') return flag;
  const { readProfile } = await import('../../container/seccomp/read-profile.js');
  return readProfile(flag);
}

/** Error (`host`): it is not installed. */
async function reaper(): Promise<string> {
  const { findProgram } = await import('../../base/find-program.js');
  const path = findProgram('catatonit');
  if (path !== undefined) return path;
  const { installLineHere } = await import('../../host/distribution.js');
  throw new VlabError('host', '--init needs catatonit, which is not installed', {
    hint: installLineHere('catatonit'),
    exitCode: 125,
  });
}

function cpusFlag(text: string): number {
  const cpus = Number(text);
  if (!(cpus >= 0.01))
    throw new VlabError('input', `--cpus ${text} is no number of CPUs`, { hint: 'write it as 0.5 or 2' });
  return cpus;
}
