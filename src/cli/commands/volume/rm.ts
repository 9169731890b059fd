import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.js';
import { eachContainer } from '../../each-container.js';

export default class VolumeRm extends BaseCommand {
  static override tail = 'positionals' as const;
  static override summary = 'Remove volumes that no container has';
  static override usage = '<%= command.id %> [FLAGS] VOLUME...';
  static override examples = ['<%= config.bin %> volume rm data'];
  static override flags = { force: Flags.boolean({ char: 'f', description: 'one that is not there is no error' }) };

  async run(): Promise<string[]> {
    const { flags } = await this.parse(VolumeRm);
    const { emitEvent } = await import('../../../engine/events/event-log.js');
    const { containersUsing } = await import('../../../engine/record/volume-users.js');
    const { findVolume, removeVolume } = await import('../../../storage/volumes.js');
    const act = async (name: string) => {
      if (!flags.force || (await findVolume(name))) {
        await removeVolume(name, containersUsing);
        emitEvent('volume', 'destroy', name, { driver: 'local' });
      }
      return name;
    };
    return eachContainer(this.tail, act, (line) => this.log(line));
  }
}
