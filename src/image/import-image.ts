/** Makes an image of one layer out of a tar of a root file system. */
import { type Readable, Transform } from 'node:stream';
import { VlabError } from '../base/errors.js';
import { unpacked } from './archive/decompress.js';
import type { ImageConfig, ImageRunConfig } from './config.js';
import type { Platform } from './descriptor.js';
import { type ImageManifest, OCI_CONFIG, OCI_LAYER, OCI_MANIFEST } from './manifest.js';
import { hostPlatform } from './platform.js';
import type { Reference } from './reference.js';
import type { Image } from './store/image.js';
import { type ImageStore, openImageStore } from './store/image-store.js';

export interface ImportOptions {
  reference?: Reference | undefined;
  /** What its containers run with. */
  run?: ImageRunConfig | undefined;
  message?: string | undefined;
  platform?: Platform | undefined;
  created?: Date | undefined;
  store?: ImageStore | undefined;
}

const BLOCK_BYTES = 512;

/** `source`: packed or not. Errors: (`input`) it is no tar; those of the disk. */
export async function importImage(source: Readable, options: ImportOptions = {}): Promise<Image> {
  const store = options.store ?? (await openImageStore());
  const created = (options.created ?? new Date()).toISOString();
  await using hold = await store.hold();
  const { stream } = await unpacked(source);
  const checked = stream.pipe(mustBeTar());
  stream.on('error', (error) => checked.destroy(error));
  const { digest, size } = await store.blobs.ingest(checked, hold);
  const config: ImageConfig = {
    ...(options.platform ?? hostPlatform()),
    created,
    ...(options.run && { config: options.run }),
    rootfs: { type: 'layers', diff_ids: [digest] },
    history: [{ created, comment: options.message ?? 'Imported from -' }],
  };
  const put = async (value: unknown, mediaType: string) => {
    const { digest, ...rest } = await store.blobs.put(Buffer.from(JSON.stringify(value)), mediaType);
    await hold.add(digest);
    return { digest, ...rest };
  };
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: await put(config, OCI_CONFIG),
    layers: [{ mediaType: OCI_LAYER, digest, size }],
  };
  return await store.add(await put(manifest, OCI_MANIFEST), options.reference ? { reference: options.reference } : {});
}

/** Passes what begins as a tar does: with a header whose sum is right, or with the zeros of its end. */
function mustBeTar(): Transform {
  let head: Buffer | undefined = Buffer.alloc(0);
  return new Transform({
    transform(piece: Buffer, _, done) {
      if (!head) return done(null, piece);
      head = Buffer.concat([head, piece]);
      if (head.length < BLOCK_BYTES) return done();
      const all = head;
      head = undefined;
      return beginsTar(all) ? done(null, all) : done(noTar());
    },
    flush: (done) => done(head ? noTar() : null),
  });
}

function noTar(): VlabError {
  return new VlabError('input', 'this is no tar archive of a root file system', { hint: 'tar -C ROOT -c . makes one' });
}

/** The sum of a header's bytes, its own field taken as spaces (tar(5)). */
function beginsTar(bytes: Buffer): boolean {
  const header = bytes.subarray(0, BLOCK_BYTES);
  if (header.every((byte) => byte === 0)) return true;
  const said = Number.parseInt(header.toString('latin1', 148, 156).replace(/\0.*$/s, '').trim(), 8);
  return header.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0) === said;
}
