import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { Flags } from '@oclif/core';
import { packageRoot } from '../../base/paths.js';
import { BaseCommand } from '../base-command.js';

export default class Version extends BaseCommand {
  static override summary = 'Show the versions of vlab and of what it runs on';
  static override examples = ['<%= config.bin %> version', "<%= config.bin %> version --format '{{.Server.Version}}'"];
  static override flags = {
    format: Flags.string({ char: 'f', description: 'json, or a Go template' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Version);
    const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string };
    const arch = process.arch === 'x64' ? 'amd64' : process.arch;
    // vlab has no daemon: its client is its server.
    const one = { Version: version, Os: 'linux', Arch: arch, KernelVersion: release(), NodeVersion: process.version };
    const document = { Client: one, Server: one };
    if (this.jsonEnabled()) return document;
    if (flags.format === undefined || flags.format === '') {
      this.log(`vlab ${version}\n Node:    ${process.version}\n Kernel:  ${release()}\n OS/Arch: linux/${arch}`);
      return document;
    }
    const { formatDocument } = await import('../format/document.js');
    this.log(formatDocument(document, flags.format));
    return document;
  }
}
