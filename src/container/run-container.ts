/** Runs a container in the foreground. */
import { randomBytes } from 'node:crypto';
import { realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { VlabError } from '../base/errors.js';
import { runDir } from '../base/paths.js';
import { hostArch } from '../sys/abi.js';
import type { PlanFailure } from '../sys/channel.js';
import { nativeBinary } from '../sys/native.js';
import { own, sweepOwners } from '../sys/owners.js';
import { startOnce } from '../sys/perform-once.js';
import { signalIfThere } from '../sys/signal.js';
import { type Observed, readObserved } from '../sys/stamps.js';
import { DEFAULT_CAPABILITIES } from './config/capabilities.js';
import { type ContainerRequest, defaultConfig } from './config/default-config.js';
import { defaultSeccomp } from './config/default-seccomp.js';
import type { OciConfig, OciSeccomp } from './config/schema.js';
import { type RunPlan, runPlan } from './run-plan.js';
import { situationFor } from './situation-for.js';

export type RunRequest = Omit<ContainerRequest, 'id' | 'rootless' | 'seccomp'> & {
  id?: string;
  detached?: boolean;
  /** A profile; absent: the default one. */
  seccomp?: OciSeccomp | 'unconfined';
};

export interface PreparedRun extends RunPlan {
  id: string;
  config: OciConfig;
  /** Where a detached container's output goes; belongs to the container. */
  outputDir: string | undefined;
}

/** Compiles; nothing is started. Errors: `input` when the root file system is no directory. */
export async function prepareRun(request: RunRequest): Promise<PreparedRun> {
  const id = request.id ?? `vlab-${randomBytes(6).toString('hex')}`;
  const rootfs = directory(request.rootfs);
  const uid = process.getuid?.() ?? 0;
  const rootless = uid === 0 ? undefined : { uid, gid: process.getgid?.() ?? 0 };
  const { seccomp = defaultSeccomp(hostArch(), DEFAULT_CAPABILITIES), ...rest } = request;
  const config = defaultConfig({
    ...rest,
    id,
    rootfs,
    ...(rootless ? { rootless } : {}),
    ...(seccomp === 'unconfined' ? {} : { seccomp }),
  });
  const situation = await situationFor(config);
  const outputDir = request.detached ? join(runDir(), 'containers', id) : undefined;
  const options = {
    relayPath: request.terminal ? await nativeBinary('vlab-relay') : undefined,
    detached: outputDir ? { stdoutPath: join(outputDir, 'stdout'), stderrPath: join(outputDir, 'stderr') } : undefined,
  };
  return { id, config, outputDir, ...runPlan(config, situation, options) };
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
 * Runs it and waits. `output`: where the program's standard output goes (default: this process's).
 * Throws a VlabError with exit code 125, 126 or 127 when the program did not run.
 */
export async function runContainer(prepared: PreparedRun, output: 'inherit' | number = 'inherit'): Promise<RunOutcome> {
  await sweepOwners();
  await using _ownership = own(prepared.id, { cgroups: prepared.cgroupDirectories, paths: [] });
  const performance = await startOnce(prepared.plan, { stdio: ['inherit', output, 'inherit'] });
  let pid = 0;
  const early: NodeJS.Signals[] = []; // before the pid is known
  performance.onNote = (payload) => {
    pid = readObserved(payload).pid;
    for (const signal of early.splice(0)) signalIfThere(pid, signal);
  };
  let asked = 0;
  const forward = (signal: NodeJS.Signals) => {
    // A first process without a handler ignores signals (pid_namespaces(7)); whoever asks three times means it.
    if (signal === 'SIGINT' || signal === 'SIGTERM') asked++;
    const sent = asked >= 3 ? 'SIGKILL' : signal;
    if (pid > 0) signalIfThere(pid, sent);
    else early.push(sent);
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  try {
    const performed = await performance.ended;
    pid = 0;
    const observed = readObserved(performed.reply);
    if (performed.failure) throw asDocker(performed.failure);
    return { exitCode: exitCodeOf(observed), observed };
  } finally {
    for (const signal of FORWARDED) process.off(signal, forward);
  }
}

function exitCodeOf({ exit }: Observed): number {
  if (!exit) throw new VlabError('operation', 'the container was not reaped', { exitCode: 125 });
  return 'code' in exit ? exit.code : 128 + exit.signal;
}

/** docker-run(1), "EXIT STATUS". */
export function asDocker(failure: PlanFailure): VlabError {
  const call = failure.plan.steps[failure.index]?.call;
  const exitCode = call !== 'execve' ? 125 : ['ENOENT', 'ENOTDIR'].includes(failure.errno ?? '') ? 127 : 126;
  const hint = failure.hint === undefined ? {} : { hint: failure.hint };
  return new VlabError(failure.blame, failure.message, { exitCode, cause: failure, ...hint });
}
