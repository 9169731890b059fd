import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf, VlabError } from '../../base/errors.js';
import { updateResources } from '../../container/cgroup/update.js';
import { parseResources } from '../../container/config/parse-config.js';
import type { OciResources } from '../../container/config/schema.js';
import type { Flags } from '../command-line.js';
import { DONE, type Invocation, namedContainer, type Verb } from '../invocation.js';
import { lockedContainer } from '../locked-container.js';

/** Other limits for a container that exists. */
export const update: Verb = (invocation) =>
  lockedContainer(namedContainer(invocation), async ({ container, record, status }) => {
    if (status === 'stopped' || status === 'creating') {
      throw new VlabError('operation', `cannot update container ${container.id}: it is ${status}`);
    }
    const before = record.resources ?? container.config().linux.resources;
    const resources = await updateResources(record.cgroup, before, wanted(invocation));
    container.write({ ...record, resources });
    return DONE;
  });

/** Errors: `input` for the file or a flag. */
function wanted({ caller, flags }: Invocation): OciResources {
  const file = flags.string('resources');
  if (file === undefined) return ofFlags(flags);
  try {
    const text = readFileSync(file === '-' ? 0 : resolve(caller.cwd, file), 'utf8');
    return parseResources(text, file === '-' ? 'standard input' : file);
  } catch (cause) {
    if (cause instanceof VlabError) throw cause;
    throw new VlabError('input', `cannot read the resources of --resources: ${messageOf(cause)}`, { cause });
  }
}

function ofFlags(flags: Flags): OciResources {
  const memory = given({
    limit: bytes(flags, 'memory'),
    reservation: bytes(flags, 'memory-reservation'),
    swap: bytes(flags, 'memory-swap'),
    kernel: bytes(flags, 'kernel-memory'),
    kernelTCP: bytes(flags, 'kernel-memory-tcp'),
  });
  const cpu = given({
    shares: flags.integer('cpu-share'),
    quota: flags.integer('cpu-quota'),
    period: flags.integer('cpu-period'),
    burst: flags.integer('cpu-burst'),
    realtimePeriod: flags.integer('cpu-rt-period'),
    realtimeRuntime: flags.integer('cpu-rt-runtime'),
    idle: flags.integer('cpu-idle'),
    cpus: flags.string('cpuset-cpus'),
    mems: flags.string('cpuset-mems'),
  });
  const weight = flags.integer('blkio-weight');
  const limit = flags.integer('pids-limit');
  return {
    ...(memory ? { memory } : {}),
    ...(cpu ? { cpu } : {}),
    ...(weight === undefined ? {} : { blockIO: { weight } }),
    ...(limit === undefined ? {} : { pids: { limit } }),
  };
}

/** The properties that have a value; undefined when none has. */
function given<T extends object>(all: T): { [K in keyof T]?: NonNullable<T[K]> } | undefined {
  const some = Object.entries(all).filter(([, value]) => value !== undefined);
  return some.length === 0 ? undefined : (Object.fromEntries(some) as { [K in keyof T]?: NonNullable<T[K]> });
}

const FACTORS: Record<string, number> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** A number of bytes, or one with a unit: 512m. -1 is no limit. */
function bytes(flags: Flags, name: string): number | undefined {
  const text = flags.string(name);
  if (text === undefined) return undefined;
  const [, number, unit = ''] = /^(-?\d+)([bkmgt]?)(?:i?b)?$/i.exec(text) ?? [];
  const factor = FACTORS[unit.toLowerCase()];
  if (number === undefined || factor === undefined)
    throw new VlabError('input', `--${name} ${text} is no number of bytes`);
  return Number(number) * (Number(number) < 0 ? 1 : factor);
}
