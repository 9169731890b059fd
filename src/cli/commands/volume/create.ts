import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.js';

export default class VolumeCreate extends BaseCommand {
  static override summary = 'Make a volume: files that outlive containers';
  static override examples = [
    '<%= config.bin %> volume create data',
    '<%= config.bin %> volume create -o type=none -o o=bind -o device=/srv/data data',
  ];
  static override args = { volume: Args.string({ description: 'its name; absent: 64 digits' }) };
  static override flags = {
    driver: Flags.string({ char: 'd', default: 'local', description: 'local' }),
    label: Flags.string({ multiple: true, helpValue: 'KEY=VALUE', description: 'what it is marked with' }),
    name: Flags.string({ hidden: true, description: 'its name, as docker had it before' }),
    opt: Flags.string({ char: 'o', multiple: true, helpValue: 'NAME=VALUE', description: 'type, o and device' }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(VolumeCreate);
    const { randomBytes } = await import('node:crypto');
    const { VlabError } = await import('../../../base/errors.js');
    const { emitEvent } = await import('../../../engine/events/event-log.js');
    const { createVolume, findVolume } = await import('../../../storage/volumes.js');
    const { keyValues } = await import('../../key-values.js');
    const { driver } = flags;
    if (driver !== 'local') {
      throw new VlabError('input', `error looking up volume plugin ${driver}: plugin "${driver}" not found`, {
        hint: 'vlab has the driver local only',
        exitCode: 1,
      });
    }
    const asked = args.volume ?? flags.name;
    const name = asked ?? randomBytes(32).toString('hex');
    const isNew = !(await findVolume(name));
    const more = { labels: keyValues(flags.label), options: keyValues(flags.opt) };
    const volume = await createVolume({ name, ...more, anonymous: asked === undefined });
    if (isNew) emitEvent('volume', 'create', name, { driver });
    this.log(name);
    return volume;
  }
}
