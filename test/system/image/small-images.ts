/** Tiny images, made in a store of the test's own. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { mustRun } from '../../../src/base/exec.js';
import type { ImageConfig } from '../../../src/image/config.js';
import type { Descriptor } from '../../../src/image/descriptor.js';
import { digestOf } from '../../../src/image/digest.js';
import { OCI_CONFIG, OCI_LAYER, OCI_MANIFEST } from '../../../src/image/manifest.js';
import { hostPlatform } from '../../../src/image/platform.js';
import { parseReference } from '../../../src/image/reference.js';
import type { Image } from '../../../src/image/store/image.js';
import { type ImageStore, openImageStore } from '../../../src/image/store/image-store.js';

/** A directory for data of vlab's, and the variable that names it, for as long as this is not disposed. */
export class OwnData implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'vlab-images-'));
  readonly #before = process.env.VLAB_DATA_DIR;

  constructor() {
    process.env.VLAB_DATA_DIR = join(this.folder, 'data');
  }

  get images(): string {
    return join(this.folder, 'data/images');
  }

  async store(): Promise<ImageStore> {
    return await openImageStore();
  }

  [Symbol.dispose](): void {
    if (this.#before === undefined) delete process.env.VLAB_DATA_DIR;
    else process.env.VLAB_DATA_DIR = this.#before;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A tar of files by their names. */
export async function tarOf(files: Record<string, string | Buffer>): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'vlab-tar-'));
  try {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, 'root', name)), { recursive: true });
      writeFileSync(join(folder, 'root', name), content);
    }
    const fixed = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
    await mustRun('tar', [...fixed, '-C', join(folder, 'root'), '-cf', join(folder, 'tar'), '.']);
    return readFileSync(join(folder, 'tar'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface SmallImage {
  layers: Record<string, string | Buffer>[];
  config?: Partial<ImageConfig>;
  isGzip?: boolean;
}

/** Blobs of an image that is nowhere yet: what a registry or an archive has. */
export async function blobsOf({ layers, config, isGzip = true }: SmallImage): Promise<{
  manifest: Descriptor;
  blobs: { descriptor: Descriptor; bytes: Buffer }[];
}> {
  const blobs: { descriptor: Descriptor; bytes: Buffer }[] = [];
  const add = (mediaType: string, bytes: Buffer): Descriptor => {
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
    blobs.push({ descriptor, bytes });
    return descriptor;
  };
  const tars = await Promise.all(layers.map(tarOf));
  const descriptors = tars.map((tar) => add(isGzip ? `${OCI_LAYER}+gzip` : OCI_LAYER, isGzip ? gzipSync(tar) : tar));
  const whole = {
    ...hostPlatform(),
    created: '2024-05-06T07:08:09Z',
    config: { Cmd: ['/hello'], Env: ['PATH=/bin'] },
    ...config,
    rootfs: { type: 'layers', diff_ids: tars.map((tar) => digestOf(tar)) },
  };
  const configDescriptor = add(OCI_CONFIG, Buffer.from(JSON.stringify(whole)));
  const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: configDescriptor, layers: descriptors };
  return { manifest: add(OCI_MANIFEST, Buffer.from(JSON.stringify(manifest))), blobs };
}

export async function addImage(store: ImageStore, name: string | undefined, image: SmallImage): Promise<Image> {
  const { manifest, blobs } = await blobsOf(image);
  await using hold = await store.hold(...blobs.map(({ descriptor }) => descriptor.digest));
  for (const { descriptor, bytes } of blobs) await store.blobs.put(bytes, descriptor.mediaType);
  void hold;
  return await store.add(manifest, name === undefined ? {} : { reference: parseReference(name) });
}
