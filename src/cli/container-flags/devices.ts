/** `--device`, `--device-cgroup-rule`, `--ulimit`, `--sysctl` (docker-run(1)). Pure. */
import { posix } from 'node:path';
import { refuse } from '../../engine/define/asked-error.js';
import type { ContainerDefinition, DefinedDevice, DefinedDeviceRule } from '../../engine/define/definition.js';
import { splitOnce, wrongValue } from './wrong.js';

const ACCESS = /^(?!.*(.).*\1)[rwm]{1,3}$/;

/** `SOURCE[:PLACE][:ACCESS]`. */
export function readDevice(text: string): DefinedDevice {
  const [source = '', second, third, ...more] = text.split(':');
  if (!source.startsWith('/')) {
    if (/^[^/]+\.[^/]+\/[^/=]+=/.test(text))
      throw refuse(`--device ${text}: vlab does not know devices of the Container Device Interface`);
    throw refuse(`${source} is not an absolute path`);
  }
  if (more.length > 0) throw refuse(`bad format for path: ${text}`);
  if (third !== undefined && !ACCESS.test(third)) throw refuse(`bad mode specified: ${third}`);
  const place = second === undefined || (third === undefined && ACCESS.test(second)) ? source : second;
  if (!place.startsWith('/')) throw refuse(`${place} is not an absolute path`);
  const access = third ?? (place === source && second !== undefined && ACCESS.test(second) ? second : 'rwm');
  return { source: posix.normalize(source), destination: posix.normalize(place), access };
}

/** `c 1:3 rwm`, with `*` for each number. */
export function readDeviceRule(text: string): DefinedDeviceRule {
  const [, type, major, minor, access] = /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text) ?? [];
  if (type === undefined || access === undefined) {
    throw wrongValue('--device-cgroup-rule', text, `invalid device cgroup format '${text}'`, 'write it as c 1:3 rwm');
  }
  return {
    type: type as DefinedDeviceRule['type'],
    ...(major === '*' ? {} : { major: Number(major) }),
    ...(minor === '*' ? {} : { minor: Number(minor) }),
    access,
  };
}

const ULIMITS = [
  ...['core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue', 'nice', 'nofile', 'nproc', 'rss', 'rtprio'],
  ...['rttime', 'sigpending', 'stack'],
];

/** `NAME=SOFT[:HARD]`; -1 is unlimited. */
export function readUlimit(text: string): ContainerDefinition['ulimits'][number] {
  const wrong = (why: string) => wrongValue('--ulimit', text, why);
  const [name, values] = splitOnce(text, '=');
  if (values === undefined) throw wrong(`invalid ulimit argument: ${text}`);
  if (!ULIMITS.includes(name)) throw wrong(`invalid ulimit type: ${name}`);
  const parts = values.split(':');
  if (parts.length > 2) {
    throw wrong(`too many limit value arguments - ${values}, can only have up to two, \`soft[:hard]\``);
  }
  const [soft = Number.NaN, hard = soft] = parts.map((part) => (/^-?\d+$/.test(part) ? Number(part) : Number.NaN));
  if (!Number.isSafeInteger(soft) || !Number.isSafeInteger(hard)) throw wrong(`'${values}' holds no whole numbers`);
  if (hard >= 0 && (soft < 0 || soft > hard)) {
    throw wrong(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  }
  return { name, soft, hard };
}

/** Parameters of the container's own namespaces (docker's opts/ValidateSysctl). */
const IPC_SYSCTLS = [
  ...['kernel.msgmax', 'kernel.msgmnb', 'kernel.msgmni', 'kernel.sem', 'kernel.shmall', 'kernel.shmmax'],
  ...['kernel.shmmni', 'kernel.shm_rmid_forced'],
];

export function readSysctl(text: string): [name: string, value: string] {
  const [name, value] = splitOnce(text, '=');
  const allowed = IPC_SYSCTLS.includes(name) || name.startsWith('net.') || name.startsWith('fs.mqueue.');
  if (value === undefined || !allowed) throw wrongValue('--sysctl', text, `sysctl '${text}' is not allowed`);
  return [name, value];
}
