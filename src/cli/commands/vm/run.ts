import { Flags } from '@oclif/core';
import { VlabError } from '../../../base/errors.js';
import { BaseCommand } from '../../base-command.js';

export default class VmRun extends BaseCommand {
  static override tail = 'first-positional' as const;
  static override summary = "Run a program in vlab's own virtual machine";
  static override usage = '<%= command.id %> --rootfs DIR [FLAGS] [--] COMMAND [ARG...]';
  static override description =
    `QEMU boots a Linux kernel of its own; vlab's first process mounts /dev, /proc and /sys and runs COMMAND with
a copy of DIR as the root, in memory. KVM is used where it was proved to boot Linux, emulation elsewhere. Standard input
is passed, and so are SIGINT, SIGTERM, SIGQUIT and SIGHUP.
The exit code is the program's own, 128+n when signal n ended it, 124 when the deadline passed, 125 when the machine
failed, 126 when the program cannot be executed, 127 when it is not there. With --json the program's output goes to
standard error.`;
  static override examples = [
    '<%= config.bin %> vm run --rootfs probe /probe hello',
    'echo hello | <%= config.bin %> vm run --rootfs ./alpine -- /bin/cat',
    '<%= config.bin %> vm run --machine microvm --memory 256m --rootfs ./alpine /bin/ls -la /',
    '<%= config.bin %> vm run --rootfs probe --show-argv /probe hello',
  ];

  static override flags = {
    rootfs: Flags.string({
      required: true,
      helpValue: 'DIR',
      description: 'root file system, or probe for the built-in one',
    }),
    machine: Flags.string({
      options: ['q35', 'microvm', 'virt'],
      description: 'machine type; default: q35, on ARM virt',
    }),
    accel: Flags.string({
      options: ['auto', 'kvm', 'tcg'],
      default: 'auto',
      description: 'hardware virtualization, emulation, or what works',
    }),
    memory: Flags.string({
      char: 'm',
      default: '128m',
      helpValue: 'SIZE',
      description: "the guest's memory: 256m, 1g",
    }),
    cpus: Flags.integer({ default: 1, min: 1, max: 64, description: 'virtual CPUs' }),
    kernel: Flags.string({
      env: 'VLAB_KERNEL',
      description: 'guest kernel: a path, or the package or release of one in the cache',
    }),
    append: Flags.string({ default: '', helpValue: 'WORDS', description: "words for the kernel's command line" }),
    env: Flags.string({ char: 'e', multiple: true, helpValue: 'NAME=VALUE', description: 'environment variable' }),
    workdir: Flags.string({ char: 'w', default: '/', description: 'working directory in the guest' }),
    hostname: Flags.string({ default: 'vlab', description: 'host name of the guest' }),
    interactive: Flags.boolean({ char: 'i', description: 'for docker’s reflexes: standard input is always passed' }),
    deadline: Flags.string({ helpValue: 'TIME', description: 'longest time from start to end, as in 10s, 2m' }),
    console: Flags.boolean({ description: "show the kernel's console on standard error" }),
    'show-argv': Flags.boolean({
      description: "print QEMU's command line, each option with its reason; start nothing",
    }),
    'show-plan': Flags.boolean({ description: "print the guest's first process, call by call; start nothing" }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(VmRun);
    if (this.tail.length === 0) {
      throw new VlabError('input', 'no command to run', {
        hint: 'write it behind the flags: vlab vm run --rootfs DIR /bin/sh',
      });
    }
    const { vmRequest } = await import('../../vm/vm-request.js');
    const { request, qemu, reason } = await vmRequest(flags, this.tail);
    if (flags['show-argv'] || flags['show-plan']) {
      const { explainVm } = await import('../../vm/explain-vm.js');
      const { text, json } = await explainVm(request, qemu, {
        argv: flags['show-argv'],
        plan: flags['show-plan'],
        reason,
      });
      this.log(text.trimEnd());
      return json;
    }
    const { runVm } = await import('../../vm/run-vm.js');
    const { parseDurationMs } = await import('../../vm/vm-request.js');
    const deadlineMs = flags.deadline === undefined ? undefined : parseDurationMs('--deadline', flags.deadline);
    const ended = await runVm(request, {
      qemu,
      deadlineMs,
      output: this.jsonEnabled() ? process.stderr : process.stdout,
      console: flags.console,
    });
    process.exitCode = ended.exitCode;
    return {
      ...ended,
      accelerator: request.accelerator,
      reason,
      kernel: request.kernel.release,
      machine: request.machine,
    };
  }
}
