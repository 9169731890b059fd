/** A volume: a directory that outlives containers (docker's `local` driver). Pure. */
import { VlabError } from '../base/errors.js';

export interface Volume {
  name: string;
  driver: 'local';
  /** RFC 3339. */
  createdAt: string;
  labels: Record<string, string>;
  /** Options of the driver: `type`, `device`, `o`, as of mount(8). */
  options: Record<string, string>;
  anonymous: boolean;
  /** Where its files are. */
  mountpoint: string;
}

export interface NewVolume {
  name: string;
  labels?: Record<string, string>;
  options?: Record<string, string>;
  anonymous?: boolean;
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const MOST_NAME_BYTES = 200;

/** Error (`input`): no volume can be called so. */
export function checkVolumeName(name: string): void {
  if (NAME.test(name) && name.length <= MOST_NAME_BYTES) return;
  const rule = 'only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed';
  throw new VlabError(
    'input',
    `create ${name}: "${name}" includes invalid characters for a local volume name, ${rule}`,
    {
      hint: 'if you intended to pass a host directory, use an absolute path',
    },
  );
}

/** What options of the driver come to: a directory of its own, or one of the host (`type=none`, `o=bind`, `device=/path`). */
export type VolumePlace = { kind: 'own' } | { kind: 'host'; path: string };

/**
 * Errors: (`input`) an option that there is not, or `device` without an absolute path; (`host`) another file system, which somebody would
 * have to mount on the host.
 */
export function placeOf(options: Readonly<Record<string, string>>): VolumePlace {
  for (const key of Object.keys(options)) {
    if (!['type', 'device', 'o'].includes(key)) throw new VlabError('input', `invalid option: "${key}"`);
  }
  const { type, device, o } = options;
  if (type === undefined && device === undefined && o === undefined) return { kind: 'own' };
  const words = (o ?? '').split(',');
  if ((type ?? 'none') === 'none' && (words.includes('bind') || words.includes('rbind'))) {
    if (device?.startsWith('/')) return { kind: 'host', path: device };
    throw new VlabError('input', 'a bind volume needs the option device with an absolute path');
  }
  throw new VlabError('host', `volumes of type ${type ?? '(none)'} are not there: vlab mounts nothing on the host`, {
    hint: 'use --mount type=tmpfs, or mount it yourself and give the volume type=none, o=bind and device=/path',
  });
}
