/** Device nodes of the host, as a container gets them. */
import { lstatSync, readdirSync, type Stats, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { VlabError } from '../../base/errors.js';
import type { OciDevice } from '../../container/config/schema.js';
import type { GrantedDevice } from '../spec/facts.js';
import type { DefinedDevice } from './definition.js';

/** Those that `--device` names: a node, or all nodes below a directory. Error (`input`): it is neither. */
export function devicesOf(asked: readonly DefinedDevice[]): GrantedDevice[] {
  return asked.flatMap(({ source, destination, access }) => {
    const granted = (device: OciDevice): GrantedDevice => ({ device, access });
    const stat = statSync(source, { throwIfNoEntry: false });
    if (stat?.isDirectory()) return nodesBelow(source, destination).map(granted);
    const device = stat && deviceAt(stat, destination);
    if (device) return [granted(device)];
    throw new VlabError(
      'input',
      `error gathering device information while adding custom device "${source}": ${what(stat)}`,
      {
        hint: 'name a device node of this host, or a directory that holds some',
        exitCode: 125,
      },
    );
  });
}

const what = (stat: Stats | undefined) => (stat ? 'not a device node' : 'no such file or directory');

/** File systems and links that are the container's own. */
const NOT_THE_HOSTS = new Set([
  'pts',
  'shm',
  'mqueue',
  'fd',
  'console',
  'core',
  'ptmx',
  'stdin',
  'stdout',
  'stderr',
  'lxc',
]);

/** With --privileged: all nodes of the host's /dev. */
export function allDevices(): GrantedDevice[] {
  const found = readdirSync('/dev').flatMap((name) => {
    if (NOT_THE_HOSTS.has(name)) return [];
    const path = join('/dev', name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory()) return nodesBelow(path, path);
    const device = stat && deviceAt(stat, path);
    return device ? [device] : [];
  });
  return found.map((device) => ({ device, access: 'rwm' }));
}

function nodesBelow(source: string, destination: string): OciDevice[] {
  return readdirSync(source, { withFileTypes: true, recursive: true }).flatMap((entry) => {
    if (!entry.isBlockDevice() && !entry.isCharacterDevice()) return [];
    const path = join(entry.parentPath, entry.name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    const device = stat && deviceAt(stat, join(destination, relative(source, path)));
    return device ? [device] : [];
  });
}

function deviceAt(stat: Stats, path: string): OciDevice | undefined {
  const type = stat.isBlockDevice() ? 'b' : stat.isCharacterDevice() ? 'c' : undefined;
  if (!type) return undefined;
  const { major, minor } = numbersOf(stat.rdev);
  return { path, type, major, minor, fileMode: stat.mode & 0o777, uid: stat.uid, gid: stat.gid };
}

/** Of block devices that limits of input and output name. Error (`input`): it is none. */
export function blockDeviceNumbers(paths: readonly string[]): Map<string, { major: number; minor: number }> {
  return new Map(
    paths.map((path) => {
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat?.isBlockDevice()) return [path, numbersOf(stat.rdev)];
      throw new VlabError('input', `${path} is no block device of this host`, { exitCode: 125 });
    }),
  );
}

/** dev_t of glibc (makedev(3)). */
function numbersOf(rdev: number): { major: number; minor: number } {
  const wide = BigInt(rdev);
  return {
    major: Number(((wide >> 8n) & 0xfffn) | ((wide >> 32n) & 0xfffff000n)),
    minor: Number((wide & 0xffn) | ((wide >> 12n) & 0xffffff00n)),
  };
}
