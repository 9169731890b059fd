/** What a dump must know of a running container: read from /proc, changes nothing. */
import { existsSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { errnoOf } from '../../base/errors.js';
import { findProgram } from '../../base/find-program.js';
import type { OciConfig } from '../../container/config/schema.js';
import { hostFiles } from '../../container/host-files.js';
import type { ContainerRecord } from '../state.js';
import type { DumpSituation } from './dump-request.js';
import { externalMounts } from './external-mounts.js';
import { parseMountinfo } from './mountinfo.js';
import { type DescriptorSeen, outerDescriptors } from './stdio.js';

export interface Look extends Omit<DumpSituation, 'criuVersion'> {
  descriptors: DescriptorSeen[];
}

export function lookAtContainer(
  config: OciConfig,
  record: ContainerRecord,
  pid: number,
  env: Readonly<Record<string, string | undefined>>,
): Look {
  const inside = parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
  const outside = parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8'));
  const descriptors = [0, 1, 2].flatMap((number) => descriptorOf(pid, number) ?? []);
  const joined: DumpSituation['joined'] = {};
  for (const { type, path } of config.linux.namespaces) {
    if (path && (type === 'network' || type === 'pid')) joined[type] = statSync(path, { bigint: true }).ino;
  }
  const resolved = resolvedDestinations(config, `/proc/${pid}/root`);
  const configFile = configFileOf(config);
  return {
    descriptors,
    external: externalMounts(config, record, { inside, outside, resolved }),
    stdio: outerDescriptors(descriptors, new Set(inside.map(({ id }) => id))),
    joined,
    netDevices: netDevicesOf(pid),
    tools: toolsThere(env),
    ...(configFile === undefined ? {} : { configFile }),
  };
}

/** Destinations of config.mounts with the links below `root` followed. */
export function resolvedDestinations(config: OciConfig, root: string): Map<string, string> {
  return new Map(
    config.mounts.map(({ destination }) => [destination, hostFiles.inImage(root, destination)?.path ?? destination]),
  );
}

export function toolsThere(env: Readonly<Record<string, string | undefined>>): DumpSituation['tools'] {
  const there = (name: string) => findProgram(name, env.PATH) !== undefined;
  return { ip: there('ip'), iptables: there('iptables-restore') };
}

/** A file of options for criu: as an annotation says, or the administrator's for this runtime or for runc. */
export function configFileOf({ annotations }: OciConfig): string | undefined {
  const asked = annotations?.['org.criu.config'];
  if (asked !== undefined) return asked || undefined;
  return ['/etc/criu/vlab-oci.conf', '/etc/criu/runc.conf'].find((path) => existsSync(path));
}

function descriptorOf(pid: number, number: number): DescriptorSeen | undefined {
  try {
    const path = `/proc/${pid}/fd/${number}`;
    const { mode, ino, rdev, dev } = statSync(path, { bigint: true });
    const [, mount = '0'] = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${number}`, 'utf8')) ?? [];
    const kind = isTerminal(mode, rdev) ? 'terminal' : FILE_KINDS.has(mode & S_IFMT) ? 'file' : 'other';
    return { number, link: readlinkSync(path), mount: Number(mount), inode: ino, kind, rdev, device: dev };
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(errnoOf(error) ?? '')) return undefined; // it is closed
    throw error;
  }
}

const S_IFMT = 0o170000n;
const S_IFCHR = 0o020000n;
/** Regular files, directories and devices: what is opened by a name. */
const FILE_KINDS = new Set([0o100000n, 0o040000n, S_IFCHR]);

/** By the numbers of the kernel's admin-guide/devices.rst: 4 and 5 are consoles and /dev/tty, 136 to 143 pseudo-terminals. */
function isTerminal(mode: bigint, rdev: bigint): boolean {
  const major = Number((rdev >> 8n) & 0xfffn);
  return (mode & S_IFMT) === S_IFCHR && (major === 4 || major === 5 || (major >= 136 && major <= 143));
}

/** proc_pid_net(5): a process's view of its own network namespace. */
function netDevicesOf(pid: number): string[] {
  const lines = readFileSync(`/proc/${pid}/net/dev`, 'utf8').split('\n').slice(2);
  return lines.flatMap((line) => /^\s*([^:]+):/.exec(line)?.[1] ?? []);
}
