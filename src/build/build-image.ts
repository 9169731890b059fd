/** `vlab build`: the stages that are needed, one after the other, and the image that comes of the last. */
import type { Writable } from 'node:stream';
import { VlabError } from '../base/errors.js';
import type { Digest, Platform } from '../image/descriptor.js';
import { OCI_CONFIG, OCI_MANIFEST } from '../image/manifest.js';
import { hostPlatform, parsePlatform, platformName } from '../image/platform.js';
import type { Reference } from '../image/reference.js';
import type { Image } from '../image/store/image.js';
import type { ImageStore } from '../image/store/image-store.js';
import { StageBuilder } from './build-stage.js';
import type { CopySource } from './copy-step.js';
import type { Dockerfile } from './dockerfile/instruction.js';
import { type BuiltImage, imageConfigOf, manifestOf } from './image-document.js';
import type { Packing } from './pack-step.js';
import { planStages, stageNamed } from './plan-stages.js';
import { platformArgs } from './platform-args.js';
import { sweepBuilds } from './run-step.js';
import { sweepSteps } from './step-cache.js';

export type BuildEvent =
  | { kind: 'step'; stage: string; number: number; of: number; text: string }
  | { kind: 'cached' | 'done'; number: number }
  | { kind: 'warning'; text: string };

export interface BuildRequest {
  dockerfile: Dockerfile;
  context: CopySource;
  store: ImageStore;
  /** Gets a base image that is not there, or always, where that was asked for. */
  pull: (name: string, platform: Platform) => Promise<Image>;
  references: readonly Reference[];
  buildArgs: ReadonlyMap<string, string>;
  labels: Readonly<Record<string, string>>;
  target?: string | undefined;
  platform?: string | undefined;
  noCache: boolean;
  network: 'default' | 'none' | 'host';
  /** SOURCE_DATE_EPOCH */
  epochSeconds?: number | undefined;
  /** What commands print. */
  output: Writable;
  tell: (event: BuildEvent) => void;
  signal?: AbortSignal | undefined;
}

/** The image is in the store, under the names that were asked for. What fails leaves nothing but cached layers. */
export async function buildImage(request: BuildRequest): Promise<Image> {
  await sweepBuilds();
  await sweepSteps();
  const { dockerfile, store, signal, epochSeconds } = request;
  const platform = request.platform === undefined ? hostPlatform() : parsePlatform(request.platform);
  const args = platformArgs(platform, hostPlatform());
  const plan = planStages(dockerfile, { target: request.target, buildArgs: request.buildArgs, platformArgs: args });
  await using hold = await store.hold();
  const packing: Packing = { store, hold, epochSeconds, signal };
  const done = new Map<number, { built: BuiltImage; key: string }>();
  const used = new Set<string>();
  const total = plan.stages.reduce((count, { stage }) => count + stage.instructions.length + 1, 0);
  let number = 0;
  const imageSources = new Map<string, Promise<Image>>();
  const pull = async (name: string, wanted: Platform) => {
    const key = `${name} ${platformName(wanted)}`;
    const image = imageSources.get(key) ?? request.pull(name, wanted);
    imageSources.set(key, image);
    const { layers, manifest, manifestDigest } = await image;
    await hold.add(manifestDigest, manifest.config.digest, ...layers.map(({ descriptor }) => descriptor.digest));
    return image;
  };
  for (const planned of plan.stages) {
    const builder = new StageBuilder({
      ...{ request, packing, planned, platform, globals: plan.globals, platformArgs: args, pull, used },
      stageOf: (name) => {
        const index = stageNamed(name, dockerfile.stages.slice(0, planned.index));
        return index === undefined ? undefined : done.get(index);
      },
      stageAt: (index) => done.get(index),
      next: () => ({ number: ++number, of: total }),
    });
    done.set(planned.index, await builder.build());
  }
  for (const name of request.buildArgs.keys()) {
    if (!used.has(name)) request.tell({ kind: 'warning', text: `One or more build-args [${name}] were not consumed` });
  }
  const result = done.get(plan.target);
  if (!result) throw new RangeError('the target stage was not built');
  return writeImage(result.built, request, hold);
}

async function writeImage(built: BuiltImage, request: BuildRequest, hold: Packing['hold']): Promise<Image> {
  const { store, labels, references } = request;
  const { config } = built;
  const labelled = Object.keys(labels).length > 0 ? { ...config, Labels: { ...config.Labels, ...labels } } : config;
  const document = imageConfigOf({ ...built, config: labelled });
  if (built.layers.length === 0 && built.history.length === 0) {
    throw new VlabError('input', 'No image was generated. Is your Dockerfile empty?');
  }
  const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
  const holding = async (value: unknown, mediaType: string) => {
    const { digestOf } = await import('../image/digest.js');
    await hold.add(digestOf(bytes(value)) as Digest);
    return store.blobs.put(bytes(value), mediaType);
  };
  const configBlob = await holding(document, OCI_CONFIG);
  const manifest = await holding(manifestOf(configBlob, built.layers), OCI_MANIFEST);
  const [first, ...others] = references;
  const image = await store.add(manifest, first ? { reference: first } : {});
  for (const reference of others) await store.tag(image, reference);
  return image;
}
