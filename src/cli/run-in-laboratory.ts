/**
 * `vlab run --rootfs DIR` in the foreground, with nothing asked for that needs a record: the container is a plan and leaves
 * nothing. This is what the laboratory measures, and it starts quickest.
 */
import { VlabError } from '../base/errors.js';
import type { OciSeccomp } from '../container/config/schema.js';
import type { PreparedRun } from '../container/run-container.js';
import type { CreateFlags } from './container-flags/read-container.js';
import { environment } from './environment.js';
import { rootfsOf } from './rootfs.js';

/** Flags that such a run knows; any other makes a container of the engine. */
const KNOWN = new Set([
  ...['rootfs', 'tty', 'interactive', 'env', 'workdir', 'hostname', 'init', 'seccomp', 'read-only', 'memory', 'cpus'],
  ...['system', 'pids-limit', 'show-plan', 'json', 'sig-proxy', 'disable-content-trust'],
]);

export function isLaboratoryRun(flags: CreateFlags): flags is CreateFlags & { rootfs: string } {
  return flags.rootfs !== undefined && Object.keys(flags).every((name) => KNOWN.has(name));
}

/** Errors (`input`): values that mean nothing, no command, a root file system that is none. */
export async function prepareLaboratoryRun(
  flags: CreateFlags & { rootfs: string },
  command: readonly string[],
): Promise<PreparedRun> {
  if (command.length === 0 && !flags.system) {
    throw new VlabError('input', 'no command to run', { hint: 'write it behind the flags: vlab run --rootfs DIR sh' });
  }
  const { prepareRun } = await import('../container/run-container.js');
  const { memoryFlag } = await import('./size.js');
  const seccomp = await profileOf(flags.seccomp ?? 'default');
  return prepareRun({
    rootfs: await rootfsOf(flags.rootfs),
    command: [...command],
    env: environment(flags.env ?? []),
    cwd: flags.workdir ?? '/',
    ...(flags.hostname === undefined ? {} : { hostname: flags.hostname }),
    ...(flags.tty ? { terminal: true } : {}),
    ...(flags.system ? { system: true } : {}),
    ...(flags['read-only'] ? { readonlyRoot: true } : {}),
    ...(flags.init ? { init: await reaper() } : {}),
    ...(seccomp === undefined ? {} : { seccomp }),
    ...(flags.memory === undefined ? {} : { memoryBytes: memoryFlag('--memory', flags.memory) }),
    ...(flags.cpus === undefined ? {} : cpusFlag(flags.cpus)),
    ...(flags['pids-limit'] === undefined ? {} : pidsFlag(flags['pids-limit'])),
  });
}

/** Errors: `input` for a file that is no profile, or one whose calls somebody would have to be asked about. */
async function profileOf(flag: string): Promise<OciSeccomp | 'unconfined' | undefined> {
  if (flag === 'default') return undefined;
  if (flag === 'unconfined') return flag;
  const { readProfile } = await import('../container/seccomp/read-profile.js');
  return readProfile(flag);
}

/** Error (`host`): it is not installed. */
async function reaper(): Promise<string> {
  const { findProgram } = await import('../base/find-program.js');
  const path = findProgram('catatonit');
  if (path !== undefined) return path;
  const { installLineHere } = await import('../host/distribution.js');
  throw new VlabError('host', '--init needs catatonit, which is not installed', {
    hint: installLineHere('catatonit'),
    exitCode: 125,
  });
}

/** 0: as much as there is. */
function cpusFlag(text: string): { cpus?: number } {
  const cpus = Number(text);
  if (cpus !== 0 && !(cpus >= 0.01))
    throw new VlabError('input', `--cpus ${text} is no number of CPUs`, { hint: 'write it as 0.5 or 2' });
  return cpus > 0 ? { cpus } : {};
}

/** -1 and 0: any number. */
function pidsFlag(text: string): { pids?: number } {
  const pids = Number(text);
  if (!Number.isInteger(pids) || pids < -1) {
    throw new VlabError('input', `--pids-limit ${text} is no number of processes`, { hint: 'write it as 20' });
  }
  return pids > 0 ? { pids } : {};
}
