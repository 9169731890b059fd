import { Args } from '@oclif/core';
import { VlabError } from '../../base/errors.js';
import { BaseCommand } from '../base-command.js';

export default class Port extends BaseCommand {
  static override summary = 'Show where the ports of a container are published';
  static override examples = ['<%= config.bin %> port web', '<%= config.bin %> port web 80/tcp'];
  static override args = {
    container: Args.string({ required: true, description: 'name or id of the container' }),
    port: Args.string({ description: 'PORT[/PROTOCOL]: only this one of its ports' }),
  };

  async run(): Promise<string[]> {
    const { args } = await this.parse(Port);
    const { findContainer } = await import('../../engine/record/find-container.js');
    const { publishedAt } = await import('../../engine/look/published-ports.js');
    const { state } = findContainer(args.container);
    const all = publishedAt(state.ports ?? []);
    const [, number, protocol = 'tcp'] = /^(\d+)(?:\/(\w+))?$/.exec(args.port ?? '') ?? [];
    if (args.port !== undefined && number === undefined) {
      throw new VlabError('input', `${args.port} is no port`, { hint: 'write it as 80 or 80/udp', exitCode: 1 });
    }
    const wanted = all.filter(({ port }) => number === undefined || port === `${number}/${protocol}`);
    if (number !== undefined && wanted.length === 0) {
      throw new VlabError('operation', `no public port '${args.port}' published for ${args.container}`);
    }
    const lines = wanted.map(({ port, host }) => (number === undefined ? `${port} -> ${host}` : host));
    for (const line of lines) this.log(line);
    return lines;
  }
}
