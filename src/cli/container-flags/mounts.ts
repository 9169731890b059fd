/** `-v`, `--mount`, `--tmpfs` and `--volumes-from` (docker-run(1); moby's volume/mounts/linux_parser.go). Pure. */
import { posix } from 'node:path';
import { ramBytes } from '../../base/ram-size.js';
import type { AskedContainer, AskedMount, AskedVolume } from '../../engine/define/asked-container.js';
import { refuse } from '../../engine/define/asked-error.js';
import { splitOnce } from './wrong.js';

/** `[SOURCE:]PLACE[:MODE]`. `cwd`: of relative paths. Errors (`input`): docker's. */
export function readVolume(text: string, cwd: string): AskedMount {
  const parts = text.split(':');
  const invalid = (why: string) => refuse(`invalid volume specification: '${text}'${why === '' ? '' : `: ${why}`}`);
  if (parts.some((part) => part === '')) throw refuse(`invalid spec: ${text}: empty section between colons`);
  if (parts.length > 3) throw invalid('');
  const [first = '', second, mode = ''] = parts;
  const destination = placeOf(second ?? first, invalid);
  if (second === undefined) return anonymous(destination);
  const options = readMode(mode, invalid);
  const { readonly, propagation, nocopy } = options;
  const path = hostPath(first, cwd);
  if (path !== undefined) {
    if (nocopy) throw invalid(`nocopy is for volumes`);
    return {
      ...{ kind: 'bind', origin: 'volume', source: path, destination, readonly },
      ...{ propagation: propagation ?? 'rprivate', recursive: true, readonlyRecursive: readonly, createSource: true },
    };
  }
  if (!VOLUME_NAME.test(first)) {
    throw refuse(
      `create ${first}: ${JSON.stringify(first)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed`,
      'a directory of the host is written from / or ./ on',
    );
  }
  if (propagation !== undefined) throw invalid('a volume has no propagation');
  return { ...anonymous(destination), name: first, anonymous: false, readonly, copyUp: !nocopy };
}

export const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

type Propagation = Extract<AskedMount, { kind: 'bind' }>['propagation'];
export const PROPAGATIONS = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'] as const;

/** Labels of SELinux (z, Z) and hints for other systems mean nothing here, as on each machine without SELinux. */
const WITHOUT_MEANING = new Set(['z', 'Z', 'consistent', 'cached', 'delegated', 'default', '']);

function readMode(mode: string, invalid: (why: string) => Error) {
  const found: { readonly: boolean; propagation?: Propagation; nocopy: boolean } = { readonly: false, nocopy: false };
  for (const word of mode.split(',')) {
    if (word === 'ro') found.readonly = true;
    else if (word === 'nocopy') found.nocopy = true;
    else if ((PROPAGATIONS as readonly string[]).includes(word)) found.propagation = word as Propagation;
    else if (word !== 'rw' && !WITHOUT_MEANING.has(word)) throw invalid(`invalid mode: ${mode}`);
  }
  return found;
}

/** The directory of the host that it names; undefined: it is a volume's name. */
function hostPath(text: string, cwd: string): string | undefined {
  if (text.startsWith('/')) return posix.normalize(text);
  return text === '.' || text === '..' || text.startsWith('./') || text.startsWith('../')
    ? posix.resolve(cwd, text)
    : undefined;
}

function placeOf(text: string, invalid: (why: string) => Error): string {
  if (!text.startsWith('/')) throw invalid(`invalid mount path: '${text}' mount path must be absolute`);
  const place = posix.normalize(text).replace(/(?<=.)\/+$/, '');
  if (place === '/') throw invalid("invalid specification: destination can't be '/'");
  return place;
}

function anonymous(destination: string): AskedVolume {
  const plain = { readonly: false, copyUp: true, driver: 'local', driverOptions: {}, labels: {} };
  return { kind: 'volume', origin: 'volume', anonymous: true, destination, ...plain };
}

/** What may stand in `--tmpfs PLACE:OPTIONS` (mount(8), tmpfs(5)); those with a value end with `=`. */
const TMPFS_OPTIONS = new Set([
  ...['ro', 'rw', 'exec', 'noexec', 'suid', 'nosuid', 'dev', 'nodev', 'sync', 'async', 'atime', 'noatime', 'diratime'],
  ...[
    'nodiratime',
    'relatime',
    'norelatime',
    'strictatime',
    'nostrictatime',
    'bind',
    'rbind',
    'unbindable',
    'defaults',
  ],
  ...['size=', 'mode=', 'uid=', 'gid=', 'nr_inodes=', 'nr_blocks=', 'mpol=', 'huge=', 'tmpcopyup'],
  ...PROPAGATIONS,
]);

export function readTmpfs(text: string): AskedMount {
  const [place, options] = splitOnce(text, ':');
  const invalid = (why: string) => refuse(`invalid tmpfs ${JSON.stringify(text)}: ${why}`);
  const words = (options ?? '').split(',').filter((word) => word !== '');
  for (const word of words) {
    if (!TMPFS_OPTIONS.has(word.replace(/=.*/s, '='))) throw invalid(`invalid tmpfs option [${JSON.stringify(word)}]`);
  }
  const size = words.find((word) => word.startsWith('size='))?.slice('size='.length);
  if (size !== undefined && ramBytes(size) === undefined && !/^\d+%$/.test(size)) throw invalid(`'${size}' is no size`);
  const readonly = words.findLast((word) => word === 'ro' || word === 'rw') === 'ro';
  const others = words.filter((word) => word !== 'ro' && word !== 'rw');
  return { kind: 'tmpfs', origin: 'tmpfs', destination: placeOf(place, invalid), readonly, options: others };
}

/** `CONTAINER[:ro|rw]`. */
export function readVolumesFrom(text: string): AskedContainer['volumesFrom'][number] {
  const [container, mode = 'rw'] = splitOnce(text, ':');
  if (container === '' || !['ro', 'rw'].includes(mode.replace(/,?[zZ]$/, '') || 'rw')) {
    throw refuse(
      `invalid specification of --volumes-from ${JSON.stringify(text)}`,
      'write it as NAME, NAME:ro or NAME:rw',
    );
  }
  return { container, readonly: mode.startsWith('ro') };
}
