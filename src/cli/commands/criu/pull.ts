import { Args } from '@oclif/core';
import { BaseCommand } from '../../base-command.js';

export default class CriuPull extends BaseCommand {
  static override summary = "Put a criu that knows new kernels into vlab's cache, for vlab-oci checkpoint and restore";
  static override description = `Gets criu and its libraries from a newer Debian with mmdebstrap, which checks their
signatures. Nothing is installed; vlab-oci uses it where the installed criu is older than this kernel needs.`;
  static override examples = ['<%= config.bin %> criu pull', '<%= config.bin %> criu pull trixie'];
  static override args = {
    suite: Args.string({ description: "one of Debian's suites; default: the newest that has it" }),
  };

  async run(): Promise<unknown> {
    const { args } = await this.parse(CriuPull);
    const { pullCriu } = await import('../../../oci/checkpoint/criu-root.js');
    const { versionOf } = await import('../../../oci/checkpoint/find-criu.js');
    const words = await pullCriu((line) => this.log(line), args.suite);
    const { text } = await versionOf(words);
    const path = words.at(-1);
    this.log(`criu ${text} is ready (${path})`);
    return { version: text, path };
  }
}
