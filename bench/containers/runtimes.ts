/** The OCI runtimes that are compared by their own command lines, and bundles for them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../src/base/find-program.js';
import { jobConfig } from '../../src/drivers/container.js';
import type { Job } from '../../src/drivers/driver.js';
import { runcConfig } from '../../src/drivers/runc.js';
import type { PlanBuilder } from '../../src/sys/plan.js';
import { coldRuntime, residentRuntime } from '../own-runtime.js';
import { hideUnified } from '../start-arms.js';

export interface Runtime {
  name: string;
  path: string;
  /** Words before the verb. */
  words: string[];
  prepare?: (b: PlanBuilder) => void;
  /** Default: ENVIRONMENT. */
  env?: Readonly<Record<string, string>>;
}

export interface Runtimes extends AsyncDisposable {
  all: Runtime[];
  absent: string[];
}

/** vlab-oci both ways, and those peers that are installed; each with a state directory of its own below `scratchDir`. */
export async function openRuntimes(scratchDir: string): Promise<Runtimes> {
  const native = await residentRuntime(scratchDir);
  const root = (name: string) => ['--root', join(scratchDir, `${name}-state`)];
  const all: Runtime[] = [
    { name: 'vlab-oci', path: native.path, words: root('vlab-oci') },
    { name: 'vlab-oci cold', path: await coldRuntime(scratchDir), words: root('cold') },
  ];
  const absent: string[] = [];
  for (const name of ['crun', 'runc', 'youki']) {
    const path = findProgram(name);
    const hide = name === 'crun' ? hideUnified() : undefined;
    if (path) all.push({ name, path, words: root(name), ...(hide ? { prepare: hide } : {}) });
    else absent.push(name);
  }
  return { all, absent, [Symbol.asyncDispose]: () => native.close() };
}

/** A bundle of the configuration that vlab's container has; each container gets the cgroup of its own id. */
export function writeBundle(directory: string, rootfs: string, command: string[]): string {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const job: Job = { rootfs, command, env: {}, limits: {}, ready: 'exit', scratchDir: directory, options: {} };
  const { cgroupsPath: _, ...linux } = runcConfig(jobConfig(job, 'bench', undefined)).linux;
  const config = { ...runcConfig(jobConfig(job, 'bench', undefined)), linux };
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config));
  return directory;
}
