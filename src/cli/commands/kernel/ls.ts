import { BaseCommand } from '../../base-command.js';

export default class KernelLs extends BaseCommand {
  static override summary = 'List the guest kernels in the cache, and which machine types each can run on';
  static override examples = ['<%= config.bin %> kernel ls', '<%= config.bin %> kernel ls --json'];

  async run(): Promise<unknown> {
    await this.parse(KernelLs);
    const { cachedKernels, findKernel } = await import('../../../vm/kernel.js');
    const { kernelFit } = await import('../../../vm/kernel-config.js');
    const kernels = [];
    for (const { record } of await cachedKernels()) {
      const kernel = await findKernel(record.release);
      const types = kernel.arch === 'aarch64' ? (['virt'] as const) : (['q35', 'microvm'] as const);
      const machines = types.map((machine) => ({ machine, ...kernelFit(kernel.config, machine) }));
      kernels.push({ ...record, format: kernel.image.format, machines });
    }
    if (kernels.length === 0) this.log('no kernels in the cache: run `vlab kernel pull`');
    for (const { release, package: name, version, format, machines } of kernels) {
      this.log(`${release}  ${format}  ${name} ${version}`);
      for (const one of machines) {
        const how = one.fits
          ? `yes${one.acpi ? ', by ACPI' : ''}`
          : `no: lacks ${one.lacks.map(({ option }) => option).join(', ')}`;
        this.log(
          `  ${one.machine}: ${how}${one.fits && one.modules.length > 0 ? `; modules ${one.modules.join(', ')}` : ''}`,
        );
      }
    }
    return { kernels };
  }
}
