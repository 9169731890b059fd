import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.js';
import { accessOf, TRANSFER_FLAGS } from '../image/access-flags.js';

export default class Pull extends BaseCommand {
  static override summary = 'Get an image from its registry';
  static override examples = [
    '<%= config.bin %> pull busybox',
    '<%= config.bin %> pull --platform linux/arm64 ghcr.io/team/app:v1',
  ];
  static override args = { name: Args.string({ required: true, description: 'NAME[:TAG|@DIGEST]' }) };
  static override flags = {
    'all-tags': Flags.boolean({ char: 'a', description: 'all images of the repository' }),
    platform: Flags.string({ description: "OS/ARCHITECTURE[/VARIANT]; default: this machine's" }),
    policy: Flags.option({
      options: ['always', 'missing', 'never'] as const,
      default: 'always',
      description: 'whether a registry is asked about an image that is here',
    })(),
    ...TRANSFER_FLAGS,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Pull);
    const { parsePlatform } = await import('../../image/platform.js');
    const { familiarName, parseReference, referenceName, withDefaultTag } = await import('../../image/reference.js');
    const { interruptible } = await import('../interrupt.js');
    const { pullWithProgress } = await import('../image/pull-with-progress.js');
    const { emitEvent } = await import('../../engine/events/event-log.js');
    using stop = interruptible();
    const access = accessOf(flags);
    const platform = flags.platform ?? process.env.DOCKER_DEFAULT_PLATFORM;
    const names = flags['all-tags'] ? await allTags(args.name, access, stop.signal) : [args.name];
    const isQuiet = flags.quiet || this.jsonEnabled();
    const done: unknown[] = [];
    for (const name of names) {
      const reference = withDefaultTag(parseReference(name));
      const { image, digest, isNew } = await pullWithProgress(name, {
        access,
        policy: flags.policy,
        signal: stop.signal,
        output: isQuiet ? undefined : process.stdout,
        platform: platform ? parsePlatform(platform) : undefined,
      });
      if (digest !== undefined) emitEvent('image', 'pull', familiarName(reference), { name: familiarName(reference) });
      if (!flags.quiet) {
        if (digest !== undefined) this.log(`Digest: ${digest}`);
        const status = isNew ? 'Downloaded newer image for' : 'Image is up to date for';
        this.log(`Status: ${status} ${familiarName(reference)}`);
      }
      this.log(referenceName(reference));
      done.push({ id: image.id, reference: referenceName(reference), digest, isNew });
    }
    return flags['all-tags'] ? done : done[0];
  }
}

async function allTags(name: string, access: ReturnType<typeof accessOf>, signal: AbortSignal): Promise<string[]> {
  const { VlabError } = await import('../../base/errors.js');
  const { parseReference, repositoryName } = await import('../../image/reference.js');
  const { openTarget } = await import('../../image/registry/access.js');
  const { tagsOf } = await import('../../image/registry/listing.js');
  const reference = parseReference(name);
  if (reference.tag !== undefined || reference.digest !== undefined) {
    throw new VlabError('input', "tag can't be used with --all-tags/-a");
  }
  await using target = await openTarget(reference, access);
  const [repository] = target.repositories;
  const tags = repository ? await tagsOf(repository, signal) : [];
  return tags.map((tag) => `${repositoryName(reference)}:${tag}`);
}
