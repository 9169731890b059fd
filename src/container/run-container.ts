/** Runs a container in the foreground. */
import { randomBytes } from 'node:crypto';
import { readlinkSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { VlabError } from '../base/errors.js';
import { runDir } from '../base/paths.js';
import { hostArch } from '../sys/abi.js';
import type { PlanFailure } from '../sys/channel.js';
import { nativeBinary } from '../sys/native.js';
import { own, sweepOwners } from '../sys/owners.js';
import { startOnce } from '../sys/perform-once.js';
import { removeCgroup } from '../sys/remove-cgroup.js';
import { signalIfThere } from '../sys/signal.js';
import { type Observed, readObserved } from '../sys/stamps.js';
import { cgroupOf, forInit } from './cgroup/planned-cgroup.js';
import { DEFAULT_CAPABILITIES } from './config/capabilities.js';
import { type ContainerRequest, defaultConfig } from './config/default-config.js';
import { defaultSeccomp } from './config/default-seccomp.js';
import type { OciConfig, OciSeccomp } from './config/schema.js';
import { asSystem, haltSignal, SYSTEM_CAPABILITIES, systemEnd } from './config/system-config.js';
import { type RunPlan, runPlan } from './run-plan.js';
import { situationFor } from './situation-for.js';

export type RunRequest = Omit<ContainerRequest, 'id' | 'rootless' | 'seccomp'> & {
  id?: string;
  detached?: boolean;
  /** A profile; absent: the default one. */
  seccomp?: OciSeccomp | 'unconfined';
  /** It boots an init; without a command, the image's. */
  system?: boolean;
};

export interface PreparedRun extends RunPlan {
  id: string;
  config: OciConfig;
  /** Where a detached container's output goes; belongs to the container. */
  outputDir: string | undefined;
  /** Of a system container: how its init is asked to halt. */
  haltSignal?: number;
}

/** Compiles; nothing is started. Errors: `input` when the root file system is no directory. */
export async function prepareRun(request: RunRequest): Promise<PreparedRun> {
  const id = request.id ?? `vlab-${randomBytes(6).toString('hex')}`;
  const rootfs = directory(request.rootfs);
  const uid = process.getuid?.() ?? 0;
  const rootless = uid === 0 ? undefined : { uid, gid: process.getgid?.() ?? 0 };
  const capabilities = request.system ? SYSTEM_CAPABILITIES : DEFAULT_CAPABILITIES;
  const { seccomp = defaultSeccomp(hostArch(), capabilities), system, ...rest } = request;
  const command = system && rest.command.length === 0 ? [DEFAULT_INIT] : rest.command;
  const plain = defaultConfig({
    ...rest,
    command,
    id,
    rootfs,
    ...(rootless ? { rootless } : {}),
    ...(seccomp === 'unconfined' ? {} : { seccomp }),
  });
  const config = system ? asSystem(plain, randomBytes(16).toString('hex')) : plain;
  const situation = await situationFor(config);
  const outputDir = request.detached ? join(runDir(), 'containers', id) : undefined;
  const options = {
    relayPath: request.terminal ? await nativeBinary('vlab-relay') : undefined,
    detached: outputDir ? { stdoutPath: join(outputDir, 'stdout'), stderrPath: join(outputDir, 'stderr') } : undefined,
  };
  // An init divides every hierarchy there is; the others are spared those that they do not use.
  const cgroup = system ? forInit(cgroupOf(config, id, situation)) : undefined;
  const halt = system ? haltSignal(resolveIn(rootfs, command[0] ?? '')) : undefined;
  return {
    id,
    config,
    outputDir,
    ...runPlan(config, situation, { ...options, cgroup }),
    ...(halt === undefined ? {} : { haltSignal: halt }),
  };
}

const DEFAULT_INIT = '/sbin/init';

/** What a path of the image leads to, as far as its links stay in the image. Only to know the kind of an init. */
function resolveIn(rootfs: string, path: string): string {
  let at = path;
  for (let links = 0; links < 8; links++) {
    try {
      at = resolve(dirname(at), readlinkSync(join(rootfs, at)));
    } catch {
      break; // it is no link, or not there: the start will tell
    }
  }
  return at;
}

function directory(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) {
    throw new VlabError('input', `${path} is not a directory`, {
      hint: 'give a directory that holds a root file system to --rootfs',
      exitCode: 125,
    });
  }
  return realpathSync(path);
}

/** Signals that are passed on to the container's first process, as docker's --sig-proxy does. */
const FORWARDED = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGCONT'] as const;

export interface RunOutcome {
  /** As docker has them: the program's own, 128+n for a signal, 125 vlab, 126 not executable, 127 not found. */
  exitCode: number;
  observed: Observed;
}

/**
 * Runs it and waits; a system container that reboots is run again. `output`: where the program's standard output goes
 * (default: this process's). Throws a VlabError with exit code 125, 126 or 127 when the program did not run.
 */
export async function runContainer(prepared: PreparedRun, output: 'inherit' | number = 'inherit'): Promise<RunOutcome> {
  await sweepOwners();
  await using _ownership = own(prepared.id, { cgroups: prepared.cgroupDirectories, paths: [] });
  const system = prepared.haltSignal !== undefined;
  for (;;) {
    const observed = await runOnce(prepared, output);
    if (!observed.exit) throw new VlabError('operation', 'the container was not reaped', { exitCode: 125 });
    const end = system ? systemEnd(observed.exit) : 'other';
    if (end !== 'reboot') return { exitCode: end === 'halt' ? 0 : exitCodeOf(observed.exit), observed };
    for (const directory of prepared.cgroupDirectories) await removeCgroup(directory); // with what the init made in it
  }
}

async function runOnce(prepared: PreparedRun, output: 'inherit' | number): Promise<Observed> {
  const performance = await startOnce(prepared.plan, { stdio: ['inherit', output, 'inherit'] });
  let pid = 0;
  const early: (NodeJS.Signals | number)[] = []; // before the pid is known
  performance.onNote = (payload) => {
    pid = readObserved(payload).pid;
    for (const signal of early.splice(0)) signalIfThere(pid, signal);
  };
  let asked = 0;
  const forward = (signal: NodeJS.Signals) => {
    const toEnd = signal === 'SIGINT' || signal === 'SIGTERM';
    // A first process without a handler ignores signals (pid_namespaces(7)); whoever asks three times means it.
    if (toEnd) asked++;
    const sent = asked >= 3 ? 'SIGKILL' : toEnd ? (prepared.haltSignal ?? signal) : signal;
    if (pid > 0) signalIfThere(pid, sent);
    else early.push(sent);
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  try {
    const performed = await performance.ended;
    pid = 0;
    if (performed.failure) throw asDocker(performed.failure);
    return readObserved(performed.reply);
  } finally {
    for (const signal of FORWARDED) process.off(signal, forward);
  }
}

function exitCodeOf(exit: NonNullable<Observed['exit']>): number {
  return 'code' in exit ? exit.code : 128 + exit.signal;
}

/** docker-run(1), "EXIT STATUS". */
export function asDocker(failure: PlanFailure): VlabError {
  const call = failure.plan.steps[failure.index]?.call;
  const exitCode = call !== 'execve' ? 125 : ['ENOENT', 'ENOTDIR'].includes(failure.errno ?? '') ? 127 : 126;
  const hint = failure.hint === undefined ? {} : { hint: failure.hint };
  return new VlabError(failure.blame, failure.message, { exitCode, cause: failure, ...hint });
}
