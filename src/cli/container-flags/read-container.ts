/** What the flags and words of `run` and `create` ask for, as values. Pure but for what `surroundings` read. */
import type { Interfaces } from '@oclif/core';
import { signalNumber } from '../../base/signals.js';
import type { AskedContainer } from '../../engine/define/asked-container.js';
import { refuse } from '../../engine/define/asked-error.js';
import type { CREATE_FLAGS, RUN_FLAGS } from './create-flags.js';
import { readDevice, readDeviceRule, readSysctl, readUlimit } from './devices.js';
import { readEnvironment, readLabels } from './env.js';
import { readHealth } from './health.js';
import { readLog } from './log.js';
import { readMount } from './mount-flag.js';
import { readTmpfs, readVolume, readVolumesFrom } from './mounts.js';
import { readNamespaces } from './namespaces.js';
import { readNetwork } from './network.js';
import { refuseUnsupported } from './refused-flags.js';
import { readResources, readRestart } from './resources.js';
import { readSecurity } from './security.js';
import { integerOf, recordOf, sizeOf, splitOnce, wrongValue } from './wrong.js';

/** As oclif's parser returns them. */
export type CreateFlags = Partial<Interfaces.InferredFlags<typeof CREATE_FLAGS & typeof RUN_FLAGS>>;

export interface Surroundings {
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** Error (`input`): it cannot be read. */
  readText(path: string): string;
}

export interface AskedLine {
  asked: AskedContainer;
  root: { kind: 'image'; image: string } | { kind: 'directory'; path: string };
  name?: string;
  /** Where the id is written; it must not be there. */
  cidfile?: string;
  pull: 'always' | 'missing' | 'never';
  quiet: boolean;
  platform?: string;
}

const DEFAULT_SHM_BYTES = 64 * 1024 ** 2;
export const CONTAINER_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** `words`: the image and the command, or the command alone where `--rootfs` is given. Errors (`input`, exit code 125): docker's. */
export function readContainer(flags: CreateFlags, words: readonly string[], around: Surroundings): AskedLine {
  refuseUnsupported(flags);
  const { name, cidfile, platform, rootfs } = flags;
  const [image, ...afterImage] = words;
  if (rootfs === undefined && image === undefined) {
    throw refuse(
      'an image is needed, or a root file system',
      'vlab run IMAGE [COMMAND...], vlab run --rootfs DIR COMMAND...',
    );
  }
  if (name && !CONTAINER_NAME.test(name)) {
    throw refuse(`Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  }
  if (rootfs !== undefined && platform) throw refuse('conflicting options: --platform and --rootfs');
  return {
    asked: askedOf(flags, rootfs === undefined ? afterImage : words, around),
    root: rootfs === undefined ? { kind: 'image', image: image ?? '' } : { kind: 'directory', path: rootfs },
    ...(name ? { name } : {}),
    ...(cidfile ? { cidfile } : {}),
    pull: pullOf(flags.pull),
    quiet: flags.quiet ?? false,
    ...(platform ? { platform } : {}),
  };
}

function askedOf(flags: CreateFlags, command: readonly string[], around: Surroundings): AskedContainer {
  const { readText, cwd } = around;
  const attach = attachOf(flags);
  const restart = readRestart(flags.restart ?? 'no');
  if (flags.rm && restart.name !== 'no') {
    throw refuse('conflicting options: cannot specify both --restart and --rm');
  }
  if (flags.system && flags.init) throw refuse('conflicting options: --system and --init');
  if (flags.runtime && flags.runtime !== 'vlab') throw refuse(`unknown or invalid runtime name: ${flags.runtime}`);
  if (flags.isolation && flags.isolation !== 'default') throw refuse(`invalid isolation: ${flags.isolation}`);
  const healthCheck = readHealth(flags);
  const score = flags['oom-score-adj'] === undefined ? undefined : integerOf('--oom-score-adj', flags['oom-score-adj']);
  if (score !== undefined && (score < -1000 || score > 1000)) {
    throw refuse(`Invalid value ${score}, range for oom score adj is [-1000, 1000]`);
  }
  return {
    system: flags.system ?? false,
    ...(flags.entrypoint === undefined ? {} : { entrypoint: flags.entrypoint === '' ? [] : [flags.entrypoint] }),
    command: [...command],
    env: readEnvironment(flags, around.env, readText),
    ...(flags.user ? { user: flags.user } : {}),
    groupAdd: flags['group-add'] ?? [],
    ...(flags.workdir ? { cwd: flags.workdir } : {}),
    ...(flags.hostname ? { hostname: nameOf('--hostname', flags.hostname) } : {}),
    ...(flags.domainname ? { domainname: flags.domainname } : {}),
    tty: flags.tty ?? false,
    openStdin: flags.interactive ?? false,
    stdinOnce: (flags.interactive ?? false) && attach.stdin,
    attach,
    labels: readLabels(flags, readText),
    annotations: recordOf('--annotation', flags.annotation ?? [], 'annotation'),
    ...(flags['stop-signal'] ? { stopSignal: readStopSignal(flags['stop-signal']) } : {}),
    ...(flags['stop-timeout'] === undefined
      ? {}
      : { stopTimeoutS: integerOf('--stop-timeout', flags['stop-timeout']) }),
    ...(healthCheck === undefined ? {} : { healthCheck }),
    mounts: [
      ...(flags.mount ?? []).map((one) => readMount(one, cwd)),
      ...(flags.volume ?? []).map((one) => readVolume(one, cwd)),
      ...(flags.tmpfs ?? []).map(readTmpfs),
    ],
    volumesFrom: (flags['volumes-from'] ?? []).map(readVolumesFrom),
    network: readNetwork(flags),
    namespaces: readNamespaces(flags),
    security: readSecurity(flags, readText),
    devices: (flags.device ?? []).map(readDevice),
    deviceRules: (flags['device-cgroup-rule'] ?? []).map(readDeviceRule),
    sysctls: Object.fromEntries((flags.sysctl ?? []).map(readSysctl)),
    ulimits: lastOfName((flags.ulimit ?? []).map(readUlimit)),
    shmSizeBytes: sizeOf('--shm-size', flags['shm-size'] ?? '0') || DEFAULT_SHM_BYTES,
    ...(score === undefined ? {} : { oomScoreAdj: score }),
    ...(flags['cgroup-parent'] ? { cgroupParent: flags['cgroup-parent'] } : {}),
    ...storageOf(flags['storage-opt'] ?? []),
    readonlyRoot: flags['read-only'] ?? false,
    init: flags.init ?? false,
    log: readLog(flags['log-driver'], flags['log-opt'] ?? []),
    autoRemove: flags.rm ?? false,
    resources: readResources(flags),
    restart,
  };
}

/** Without --attach: output always, input where it is open; a container in the background shows nothing. */
function attachOf({ attach, interactive = false, detach = false }: CreateFlags): AskedContainer['attach'] {
  const streams = (attach ?? []).map((one) => one.toLowerCase());
  for (const [at, one] of streams.entries()) {
    if (!['stdin', 'stdout', 'stderr'].includes(one)) {
      throw wrongValue('--attach', attach?.[at] ?? '', 'valid streams are STDIN, STDOUT and STDERR');
    }
  }
  if (detach) {
    if (streams.length > 0) throw refuse('conflicting options: cannot specify both --attach and --detach');
    return { stdin: false, stdout: false, stderr: false };
  }
  if (streams.length === 0) return { stdin: interactive, stdout: true, stderr: true };
  const has = (one: string) => streams.includes(one);
  return { stdin: interactive || has('stdin'), stdout: has('stdout'), stderr: has('stderr') };
}

function nameOf(flag: string, text: string): string {
  if (text.length <= 64 && !/[\0\n/\s]/.test(text)) return text;
  throw wrongValue(flag, text, 'it is no host name of at most 64 characters');
}

function readStopSignal(text: string): string {
  try {
    signalNumber(text);
    return text;
  } catch {
    throw refuse(`invalid signal: ${text}`, 'kill -l lists them');
  }
}

function lastOfName<T extends { name: string }>(entries: readonly T[]): T[] {
  return [...new Map(entries.map((entry) => [entry.name, entry])).values()];
}

function storageOf(options: readonly string[]): { storageSizeBytes?: number } {
  let size: number | undefined;
  for (const option of options) {
    const [key, value] = splitOnce(option, '=');
    if (value === undefined) throw refuse('invalid storage option');
    if (key !== 'size') throw refuse(`unknown option ${key}`, 'vlab knows --storage-opt size=10g');
    size = sizeOf('--storage-opt size', value);
  }
  return size === undefined ? {} : { storageSizeBytes: size };
}

function pullOf(text: string | undefined): AskedLine['pull'] {
  const known = (['always', 'missing', 'never'] as const).find((one) => one === (text || 'missing'));
  if (known) return known;
  throw refuse(`invalid pull option: '${text}': must be one of "always", "missing" or "never"`);
}
