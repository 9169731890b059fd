/** `run` and `create`: what was asked for becomes a container. */
import { existsSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { VlabError } from '../base/errors.js';
import { type CreatedContainer, type CreateRequest, createContainer } from '../engine/life/create-container.js';
import type { Image } from '../image/store/image.js';
import type { ImageStore } from '../image/store/image-store.js';
import { type AskedLine, type CreateFlags, readContainer } from './container-flags/read-container.js';
import { rootfsOf } from './rootfs.js';
import { surroundings } from './surroundings.js';

/** Errors (`input`, exit code 125): docker's. */
export function askedLine(flags: CreateFlags, words: readonly string[]): AskedLine {
  return readContainer(flags, words, surroundings());
}

/** Finds or pulls its image, makes it, and writes down its id where that was asked for. */
export async function makeContainer(line: AskedLine, flags: CreateFlags): Promise<CreatedContainer> {
  const { cidfile } = line;
  if (cidfile !== undefined && existsSync(cidfile)) {
    throw new VlabError(
      'input',
      `container ID file found, make sure the other container isn't running or delete ${cidfile}`,
      {
        exitCode: 125,
      },
    );
  }
  const root = line.root.kind === 'image' ? await imageFor(line, line.root.image) : await directoryFor(line.root.path);
  const asked = root.kind === 'directory' ? withoutDefaultNetwork(line, flags) : line.asked;
  const created = await createContainer({ asked, name: line.name, root });
  for (const warning of created.warnings) process.stderr.write(`WARNING: ${warning}\n`);
  if (cidfile !== undefined) writeFileSync(cidfile, created.record.id);
  return created;
}

async function directoryFor(name: string): Promise<Extract<CreateRequest['root'], { kind: 'directory' }>> {
  const path = await rootfsOf(name);
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new VlabError('input', `${path} is not a directory`, {
      hint: 'give a directory that holds a root file system to --rootfs',
      exitCode: 125,
    });
  }
  return { kind: 'directory', path: realpathSync(path) };
}

/** A directory of the host has the network that is asked for, and none otherwise. */
function withoutDefaultNetwork({ asked }: AskedLine, flags: CreateFlags): AskedLine['asked'] {
  const { network } = asked;
  const isAsked = flags.network !== undefined || network.publish.length > 0 || network.publishAll;
  return isAsked ? asked : { ...asked, network: { ...network, mode: 'none', attachments: [] } };
}

async function imageFor(line: AskedLine, name: string): Promise<Extract<CreateRequest['root'], { kind: 'image' }>> {
  const { openImageStore } = await import('../image/store/image-store.js');
  const store = await openImageStore();
  const found = line.pull === 'always' || line.platform !== undefined ? undefined : await store.find(name);
  const image = found ?? (await pulled(line, name, store));
  const reference = image.references.find((one) => one === name) ?? image.references[0];
  return { kind: 'image', image, asked: name, reference, blobs: store.blobs };
}

async function pulled(line: AskedLine, name: string, store: ImageStore): Promise<Image> {
  const { pullWithProgress } = await import('./image/pull-with-progress.js');
  const { parsePlatform } = await import('../image/platform.js');
  if (line.pull === 'missing' && !line.quiet && !(await store.find(name))) {
    process.stderr.write(`Unable to find image '${name}' locally\n`);
  }
  const { image } = await pullWithProgress(name, {
    policy: line.pull,
    store,
    output: line.quiet ? undefined : process.stderr,
    platform: line.platform === undefined ? undefined : parsePlatform(line.platform),
  }).catch((error: unknown) => {
    if (!(error instanceof VlabError)) throw error;
    const { blame, message, hint } = error;
    throw new VlabError(blame, message, { cause: error.cause, ...(hint === undefined ? {} : { hint }), exitCode: 125 });
  });
  return image;
}
