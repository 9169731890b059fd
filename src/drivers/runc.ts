/** A peer: runc, the reference OCI runtime, given the same configuration that vlab's own container gets. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun, run } from '../base/exec.js';
import { findProgram } from '../base/find-program.js';
import { runDir } from '../base/paths.js';
import { everyCgroupParent } from '../container/cgroup/places.js';
import type { OciConfig } from '../container/config/schema.js';
import { readSituation } from '../container/situation.js';
import { hostArch } from '../sys/abi.js';
import { jobConfig } from './container.js';
import type { Driver, Job } from './driver.js';
import { launched } from './launched.js';
import { execHost, type ObserveOptions, observedPlan } from './observe.js';
import { probeByRunning } from './probe-by-running.js';

const MEND = 'install runc (Debian: apt-get install runc), and run as root';
/** runc 1.1 knows nothing newer, and the fields used here are all older. */
const OCI_VERSION = '1.0.2';

const stateDir = () => join(runDir(), 'runc');
const bundlesDir = () => join(runDir(), 'bundles');

function commandPlan(job: Job, argv: readonly string[], files: ObserveOptions) {
  const runc = findProgram('runc') ?? 'runc';
  const env = { PATH: process.env.PATH ?? '', ...job.env };
  return observedPlan(
    hostArch(),
    (b) => ({ peer: true, exec: () => execHost(b, runc, [runc, '--root', stateDir(), ...argv], env) }),
    files,
  );
}

/** Names no default device: runc makes them by itself, and lets a container open only those that it was not told to make. */
export function runcConfig(config: OciConfig): OciConfig {
  return { ...config, linux: { ...config.linux, devices: [] }, ociVersion: OCI_VERSION };
}

export const driver: Driver = {
  name: 'runc',
  boundary: 'namespaces',
  summary: 'runc, the reference OCI runtime: the same namespaces, mounts and cgroups, by its own command',
  async probe() {
    if (!findProgram('runc')) return { ready: false, missing: 'runc is not installed', mend: MEND };
    const { stdout } = await run('runc', ['--version']);
    const version = /runc version (\S+)/.exec(stdout)?.[1] ?? '';
    return probeByRunning(driver, { mend: MEND, version, notes: ['the time includes the start of the runc command'] });
  },
  async prepare(job) {
    const { rootless } = readSituation([]);
    const parents = everyCgroupParent();
    mkdirSync(stateDir(), { recursive: true, mode: 0o700 });
    return launched({
      job,
      cgroups: (id) => parents.map((parent) => join(parent, `${id}*`)),
      paths: (id) => [join(stateDir(), `${id}*`), join(bundlesDir(), `${id}*`)],
      compile(id, files) {
        const bundle = join(bundlesDir(), id);
        mkdirSync(bundle, { recursive: true, mode: 0o700 });
        const config = runcConfig(jobConfig(job, id, rootless));
        writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
        return {
          plan: commandPlan(job, ['run', '--bundle', bundle, id], files),
          execPlan: (_pid, command, more) => commandPlan(job, ['exec', id, ...command], more),
          cgroups: parents.map((parent) => join(parent, id)),
          async dispose(orderly) {
            if (!orderly) await mustRun('runc', ['--root', stateDir(), 'delete', '--force', id]);
            rmSync(bundle, { recursive: true, force: true });
          },
        };
      },
    });
  },
};
