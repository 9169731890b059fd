import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.js';
import { accessOf, TRANSFER_FLAGS } from '../image/access-flags.js';

const WORDS = {
  waiting: 'Preparing',
  moving: 'Pushing',
  sent: 'Pushed',
  present: 'Layer already exists',
  mounted: 'Mounted from another repository',
};

export default class Push extends BaseCommand {
  static override summary = 'Bring an image to the registry that its name begins with';
  static override examples = ['<%= config.bin %> push localhost:5000/team/app:v1'];
  static override args = { name: Args.string({ required: true, description: 'NAME[:TAG]' }) };
  static override flags = {
    'all-tags': Flags.boolean({ char: 'a', description: 'all images of this repository that are here' }),
    ...TRANSFER_FLAGS,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Push);
    const { pushImage } = await import('../../image/push-image.js');
    const { openImageStore } = await import('../../image/store/image-store.js');
    const { familiarName, parseReference, repositoryName } = await import('../../image/reference.js');
    const { layerProgress } = await import('../image/layer-progress.js');
    const { interruptible } = await import('../interrupt.js');
    const { emitEvent } = await import('../../engine/events/event-log.js');
    using stop = interruptible();
    const store = await openImageStore();
    const repository = repositoryName(parseReference(args.name));
    const all = async () =>
      (await store.list())
        .flatMap(({ references }) => references)
        .filter((name) => repositoryName(parseReference(name)) === repository);
    const names = flags['all-tags'] ? await all() : [args.name];
    const isQuiet = flags.quiet || this.jsonEnabled();
    const done: unknown[] = [];
    if (!isQuiet) this.log(`The push refers to repository [${repository}]`);
    for (const name of names) {
      const shown = familiarName(parseReference(name));
      using lines = layerProgress(process.stdout);
      const pushed = await pushImage(name, {
        store,
        access: accessOf(flags),
        signal: stop.signal,
        progress: (event) => {
          if (isQuiet || event.kind !== 'layer') return;
          const { descriptor, state } = event;
          const doneBytes = event.state === 'moving' ? event.doneBytes : undefined;
          lines.show({ descriptor, words: WORDS[state], doneBytes });
        },
      });
      emitEvent('image', 'push', shown, { name: shown });
      const tag = parseReference(pushed.reference).tag ?? pushed.digest;
      this.log(flags.quiet ? pushed.reference : `${tag}: digest: ${pushed.digest} size: ${pushed.size}`);
      done.push(pushed);
    }
    return flags['all-tags'] ? done : done[0];
  }
}
