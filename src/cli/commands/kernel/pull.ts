import { Args } from '@oclif/core';
import { BaseCommand } from '../../base-command.js';

export default class KernelPull extends BaseCommand {
  static override summary = "Put the distribution's kernel into vlab's cache, for virtual machines";
  static override description = `Downloads the kernel package with apt, checks its digest against the signed package
lists, and unpacks it into the cache. Nothing is installed, and the way this machine boots is not touched.`;
  static override examples = ['<%= config.bin %> kernel pull', '<%= config.bin %> kernel pull linux-image-amd64'];
  static override args = {
    package: Args.string({
      description: "a package; default: the distribution's smallest kernel for virtual machines",
    }),
  };

  async run(): Promise<unknown> {
    const { args } = await this.parse(KernelPull);
    const { pullKernel } = await import('../../../vm/pull-kernel.js');
    const { findKernel } = await import('../../../vm/kernel.js');
    const record = await pullKernel(args.package, (line) => this.log(line));
    // Extracts the ELF file now, so that no start has to.
    const kernel = await findKernel(record.release);
    this.log(`${record.release} is ready (${kernel.image.path})`);
    return { ...record, image: kernel.image };
  }
}
