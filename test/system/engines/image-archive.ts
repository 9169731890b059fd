/** An archive of one image, in the layout of the OCI image specification, of a root file system. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { EngineRoom } from './engine-room.js';

const PLACE = '/run/room/archive';

/** Its path in the room. `name`: as the image is to be called. */
export async function imageArchive(
  room: EngineRoom,
  rootfs: string,
  name: string,
  command: readonly string[],
): Promise<string> {
  await room.ask(['tar', '-C', rootfs, '-cf', '/run/room/layer.tar', '.']);
  const layer = blob(room, readFileSync(room.outside('/run/room/layer.tar')), 'application/vnd.oci.image.layer.v1.tar');
  const config = blob(
    room,
    json({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: { Env: ['PATH=/bin'], Cmd: command },
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
    }),
    'application/vnd.oci.image.config.v1+json',
  );
  const type = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = blob(room, json({ schemaVersion: 2, mediaType: type, config, layers: [layer] }), type);
  const annotations = { 'io.containerd.image.name': name };
  room.write(`${PLACE}/oci-layout`, json({ imageLayoutVersion: '1.0.0' }));
  room.write(`${PLACE}/index.json`, json({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }));
  await room.ask(['tar', '-C', PLACE, '-cf', `${PLACE}.tar`, '.']);
  return `${PLACE}.tar`;
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value));

function blob(room: EngineRoom, content: Buffer, mediaType: string) {
  const hex = createHash('sha256').update(content).digest('hex');
  room.write(`${PLACE}/blobs/sha256/${hex}`, content);
  return { mediaType, digest: `sha256:${hex}`, size: content.length };
}
