/** Runs the probe by a configuration, on the real kernel, without the command line: for what `vlab run` has no words. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultConfig } from '../../../src/container/config/default-config.js';
import type { OciConfig, OciMount } from '../../../src/container/config/schema.js';
import { hostFiles } from '../../../src/container/host-files.js';
import { runPlan } from '../../../src/container/run-plan.js';
import type { Situation } from '../../../src/container/situation.js';
import type { RootMount } from '../../../src/storage/root-mount.js';
import { hostArch } from '../../../src/sys/abi.js';
import { startOnce } from '../../../src/sys/perform-once.js';
import type { Plan } from '../../../src/sys/plan.js';
import { readObserved } from '../../../src/sys/stamps.js';

export interface ConfigRun {
  rootfs: string;
  /** The probe's words. */
  words: readonly string[];
  /** More mounts, behind the default ones and after `change`. */
  mounts?: readonly (Partial<OciMount> & { destination: string })[];
  change?: (config: OciConfig) => void;
  situation?: Partial<Situation>;
  /** The plan itself is changed, to see that a guard is one. */
  tamper?: (plan: Plan) => void;
  relayPath?: string;
  /** Then `rootfs` is where it has its place. */
  rootMount?: RootMount;
}

export interface ConfigOutcome {
  stdout: string;
  exit: ReturnType<typeof readObserved>['exit'];
}

/** The configuration that `runConfig` runs. */
export function configFor({ rootfs, words, mounts = [], change }: Omit<ConfigRun, 'situation'>): OciConfig {
  const id = `vlab-config-${process.pid}`;
  const config = defaultConfig({ id, rootfs, command: ['/probe', ...words], env: {} });
  change?.(config);
  config.mounts.push(...mounts.map((mount) => ({ options: [], ...mount })));
  return config;
}

/** Without a cgroup, unless the situation has some. Throws the PlanFailure when the container did not come to run. */
export async function runConfig(run: ConfigRun): Promise<ConfigOutcome> {
  const situation: Situation = {
    arch: hostArch(),
    cgroups: [],
    kernelPaths: {},
    rootless: undefined,
    files: hostFiles,
    ...run.situation,
  };
  const { plan } = runPlan(configFor(run), situation, { relayPath: run.relayPath, rootMount: run.rootMount });
  run.tamper?.(plan);
  const folder = mkdtempSync(join(tmpdir(), 'vlab-output-'));
  const output = openSync(join(folder, 'stdout'), 'w');
  try {
    const { ended } = await startOnce(plan, { stdio: ['ignore', output, 'inherit'], cwd: run.rootfs });
    const { failure, reply } = await ended;
    if (failure) throw failure;
    return { stdout: readFileSync(join(folder, 'stdout'), 'utf8'), exit: readObserved(reply).exit };
  } finally {
    closeSync(output);
    rmSync(folder, { recursive: true });
  }
}

export interface SeenMount {
  path: string;
  /** What of its file system is mounted. */
  root: string;
  options: string[];
  /** Propagation: `shared:3`. */
  tags: string[];
  type: string;
  source: string;
  superOptions: string[];
}

/** proc_pid_mountinfo(5). */
export function parseMountinfo(text: string): SeenMount[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const words = line.split(' ');
      const dash = words.indexOf('-');
      return {
        path: words[4] ?? '',
        root: words[3] ?? '',
        options: (words[5] ?? '').split(','),
        tags: words.slice(6, dash),
        type: words[dash + 1] ?? '',
        source: words[dash + 2] ?? '',
        superOptions: (words[dash + 3] ?? '').split(','),
      };
    });
}

/** The mounts that a container sees which runs so. */
export async function mountsOf(run: Omit<ConfigRun, 'words'>): Promise<SeenMount[]> {
  const { stdout } = await runConfig({ ...run, words: ['cat', '/proc/self/mountinfo'] });
  return parseMountinfo(stdout);
}

/** Of several at one path the topmost. */
export function mountAt(mounts: readonly SeenMount[], path: string): SeenMount {
  const found = mounts.findLast((mount) => mount.path === path);
  if (!found) throw new Error(`nothing is mounted at ${path}, only at ${mounts.map((mount) => mount.path).join(' ')}`);
  return found;
}
