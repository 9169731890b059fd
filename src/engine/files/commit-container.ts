/** What a container has changed becomes a layer of a new image, which runs what the container ran. */
import { existsSync } from 'node:fs';
import { VlabError } from '../../base/errors.js';
import { pause, resume } from '../../container/cgroup/freezer.js';
import type { ImageConfig, ImageRunConfig } from '../../image/config.js';
import { type LayerSource, packLayer } from '../../image/layer/pack-layer.js';
import { type ImageManifest, OCI_CONFIG, OCI_MANIFEST } from '../../image/manifest.js';
import type { Reference } from '../../image/reference.js';
import type { Image } from '../../image/store/image.js';
import { type ImageStore, openImageStore } from '../../image/store/image-store.js';
import { rootMountOf } from '../../storage/container-layer.js';
import { readLayerRecord } from '../../storage/layer-record.js';
import { flatDirectory } from '../../storage/places.js';
import type { ContainerDefinition } from '../define/definition.js';
import { emitContainer } from '../events/container-event.js';
import { containerDir } from '../record/container-files.js';
import { statusOf } from '../record/container-status.js';
import { type ContainerRecord, withContainer } from '../record/records.js';

export interface Commit {
  reference?: Reference | undefined;
  author?: string | undefined;
  message?: string | undefined;
  /** It stands still meanwhile, if it runs. */
  pause: boolean;
  /** What `--change` makes of the configuration. */
  change?: (config: ImageRunConfig) => ImageRunConfig;
}

/** Errors: `input` for a container of a directory, or whose image is gone; those of the disk. */
export async function commitContainer(id: string, commit: Commit): Promise<Image> {
  return withContainer(id, async (record) => {
    const { cgroup } = record.state;
    const stop = commit.pause && cgroup !== undefined && statusOf(record.state) === 'running';
    if (stop) await pause(cgroup);
    try {
      const image = await commitLocked(record, commit);
      emitContainer(record, 'commit', { comment: commit.message ?? '', imageID: image.id });
      return image;
    } finally {
      if (stop) await resume(cgroup);
    }
  });
}

async function commitLocked({ id, definition }: ContainerRecord, commit: Commit): Promise<Image> {
  const { root } = definition;
  if (root.kind !== 'image') {
    throw new VlabError('input', 'this container has no image below it: its root is a directory of the host', {
      hint: `tar -C ${root.path} -c . | vlab import - NAME`,
      exitCode: 1,
    });
  }
  const store = await openImageStore();
  const parent = await store.get(root.id);
  await using hold = await store.hold();
  const packed = packLayer({ from: sourceOf(id), compression: 'gzip' });
  const { digest, size } = await store.blobs.ingest(packed.stream, hold);
  const { diffId } = await packed.done;
  const config = imageConfig(parent, definition, commit, diffId);
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: await put(store, hold, config, OCI_CONFIG),
    layers: [...parent.layers.map(({ descriptor }) => descriptor), { mediaType: packed.mediaType, digest, size }],
  };
  const { reference } = commit;
  return store.add(await put(store, hold, manifest, OCI_MANIFEST), reference ? { reference } : {});
}

type Hold = Awaited<ReturnType<ImageStore['hold']>>;

async function put(store: ImageStore, hold: Hold, value: unknown, mediaType: string) {
  const descriptor = await store.blobs.put(Buffer.from(JSON.stringify(value)), mediaType);
  await hold.add(descriptor.digest);
  return descriptor;
}

/** Error (`operation`): the tree that a copied root was made of is gone. */
function sourceOf(id: string): LayerSource {
  const directory = containerDir(id);
  const root = rootMountOf(directory);
  if (root.kind !== 'directory') return { kind: 'upper', upper: root.upper };
  const [chainId] = readLayerRecord(directory).chainIds;
  if (chainId === undefined) return { kind: 'tree', tree: root.path };
  const base = flatDirectory(chainId);
  if (existsSync(base)) return { kind: 'changes', base, changed: root.path };
  throw new VlabError('operation', 'the tree of the image that this container was copied from is gone');
}

function imageConfig(
  parent: Image,
  definition: ContainerDefinition,
  { author, message, change }: Commit,
  diffId: Image['id'],
): ImageConfig {
  const created = new Date().toISOString();
  const { config: base } = parent;
  const run = runConfigOf(base.config ?? {}, definition);
  return {
    ...base,
    created,
    ...(author === undefined ? {} : { author }),
    config: change ? change(run) : run,
    rootfs: { type: 'layers', diff_ids: [...base.rootfs.diff_ids, diffId] },
    history: [
      ...(base.history ?? []),
      {
        created,
        created_by: definition.args.join(' '),
        ...(author === undefined ? {} : { author }),
        ...(message === undefined ? {} : { comment: message }),
      },
    ],
  };
}

/** As docker's commit: what the container was asked to run with is what its image asks for. */
function runConfigOf(image: ImageRunConfig, definition: ContainerDefinition): ImageRunConfig {
  const { entrypoint, command, env, user, cwd, labels, network, stopSignal } = definition;
  const exposed = Object.fromEntries(network.exposed.map((port) => [port, {}]));
  const { Entrypoint: _, Cmd: __, ...rest } = image;
  return {
    ...rest,
    Env: env,
    ...(entrypoint ? { Entrypoint: entrypoint } : {}),
    ...(command ? { Cmd: command } : {}),
    ...(user === '' ? {} : { User: user }),
    WorkingDir: cwd,
    Labels: labels,
    ...(Object.keys(exposed).length > 0 ? { ExposedPorts: exposed } : {}),
    ...(stopSignal === 'SIGTERM' && image.StopSignal === undefined ? {} : { StopSignal: stopSignal }),
  };
}
