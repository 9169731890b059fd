import { resolve } from 'node:path';
import { Args } from '@oclif/core';
import { BaseCommand } from '../../base-command.js';

export default class OciInstall extends BaseCommand {
  static override summary = 'Write the native vlab-oci, the OCI runtime for podman, containerd and docker';
  static override description =
    `A small static program with the paths of this installation compiled in. It asks the resident planner
(\`vlab planner start\`) where one runs, and runs Node where none does. Install it again after an update of vlab.`;
  static override examples = [
    '<%= config.bin %> oci install',
    '<%= config.bin %> oci install ~/bin/vlab-oci',
    'podman --runtime /usr/local/bin/vlab-oci run --rm IMAGE true',
    'dockerd --add-runtime vlab=/usr/local/bin/vlab-oci',
  ];
  static override args = {
    path: Args.string({ default: '/usr/local/bin/vlab-oci', description: 'where to write it: a file or a directory' }),
  };

  async run(): Promise<unknown> {
    const { args } = await this.parse(OciInstall);
    const { installOci } = await import('../../../oci/install.js');
    const installed = await installOci(resolve(args.path));
    this.log(
      `${installed.path}\n  node     ${installed.node}\n  runtime  ${installed.main}\n  planner  ${installed.plannerSocket}`,
    );
    return installed;
  }
}
