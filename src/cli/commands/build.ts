import { Args, Flags } from '@oclif/core';
import { VlabError } from '../../base/errors.js';
import { BaseCommand } from '../base-command.js';
import { ACCESS_FLAGS, accessOf } from '../image/access-flags.js';

export default class Build extends BaseCommand {
  static override summary = 'Build an image from a Dockerfile';
  static override examples = [
    '<%= config.bin %> build -t app .',
    '<%= config.bin %> build -f other.Dockerfile --build-arg VERSION=2 --target test .',
    '<%= config.bin %> build -t app - < Dockerfile',
    'SOURCE_DATE_EPOCH=0 <%= config.bin %> build --iidfile id .',
  ];
  static override args = {
    context: Args.string({
      required: true,
      description: 'a directory, or - for an archive or a Dockerfile on standard input',
    }),
  };
  static override flags = {
    file: Flags.string({
      char: 'f',
      description: 'the Dockerfile, - is standard input; default: Dockerfile in the context',
    }),
    tag: Flags.string({ char: 't', multiple: true, description: 'NAME[:TAG]' }),
    'build-arg': Flags.string({
      multiple: true,
      helpValue: 'NAME[=VALUE]',
      description: "a value for an ARG; without one, the environment's",
    }),
    label: Flags.string({ multiple: true, helpValue: 'NAME=VALUE', description: 'a label of the image' }),
    target: Flags.string({ description: 'the stage to build; default: the last' }),
    platform: Flags.string({ description: "OS/ARCHITECTURE[/VARIANT]; default: this machine's" }),
    network: Flags.option({
      options: ['default', 'none', 'host'] as const,
      default: 'default',
      description: 'the network of RUN',
    })(),
    'no-cache': Flags.boolean({ description: 'do each step again' }),
    pull: Flags.boolean({ description: 'ask the registry for the base images, also where they are here' }),
    iidfile: Flags.string({ helpValue: 'FILE', description: "where the image's id is written" }),
    quiet: Flags.boolean({ char: 'q', description: 'print the id alone' }),
    progress: Flags.option({
      options: ['auto', 'plain', 'tty', 'quiet'] as const,
      default: 'auto',
      description: 'how the steps are shown; all but quiet are plain',
    })(),
    rm: Flags.boolean({ hidden: true, allowNo: true, default: true }),
    'force-rm': Flags.boolean({ hidden: true }),
    ...ACCESS_FLAGS,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Build);
    const { interruptible } = await import('../interrupt.js');
    const { openImageStore } = await import('../../image/store/image-store.js');
    const { parseReference, withDefaultTag } = await import('../../image/reference.js');
    const { buildImage } = await import('../../build/build-image.js');
    const { Workspace } = await import('../../build/workspace.js');
    const { openContext } = await import('../build/open-context.js');
    const { showBuild } = await import('../build/show-build.js');
    const { pullWithProgress } = await import('../image/pull-with-progress.js');
    const { keyValues } = await import('../build/key-values.js');
    using stop = interruptible();
    const references = (flags.tag ?? []).map((name) => withDefaultTag(parseReference(name)));
    const store = await openImageStore();
    const isQuiet = flags.quiet || flags.progress === 'quiet' || this.jsonEnabled();
    const output = isQuiet ? undefined : process.stderr;
    const shown = showBuild(output);
    await using workspace = new Workspace();
    const image = await buildImage({
      ...(await openContext({ path: args.context, file: flags.file, stdin: process.stdin, workspace })),
      ...{ store, references, ...shown, signal: stop.signal },
      ...{ target: flags.target, platform: flags.platform, noCache: flags['no-cache'], network: flags.network },
      buildArgs: new Map(keyValues('--build-arg', flags['build-arg'] ?? [], process.env)),
      labels: Object.fromEntries(keyValues('--label', flags.label ?? [], {})),
      epochSeconds: epochOf(process.env.SOURCE_DATE_EPOCH),
      async pull(name, platform) {
        const known = flags.pull ? undefined : await store.find(name);
        const { os, architecture } = known?.config ?? {};
        if (known && os === platform.os && architecture === platform.architecture) return known;
        const policy = flags.pull ? 'always' : 'missing';
        const options = { access: accessOf(flags), policy, platform, signal: stop.signal, output } as const;
        return (await pullWithProgress(name, options)).image;
      },
    });
    if (flags.iidfile !== undefined) {
      const { writeWhole } = await import('../../base/partial.js');
      await writeWhole(flags.iidfile, image.id);
    }
    if (isQuiet) this.log(image.id);
    else
      for (const line of [`writing image ${image.id}`, ...image.references.map((name) => `naming to ${name}`)])
        this.log(line);
    return { id: image.id, manifestDigest: image.manifestDigest, references: image.references };
  }
}

/** reproducible-builds.org/specs/source-date-epoch. */
function epochOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new VlabError('input', `SOURCE_DATE_EPOCH is no number of seconds: ${text}`);
}
