/** Layers made by hand, with busybox in the lowest, and a shell that runs in a root made of them. */
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cgroupOf } from '../../../src/container/cgroup/planned-cgroup.js';
import type { OciConfig } from '../../../src/container/config/schema.js';
import { readPid } from '../../../src/container/conversation.js';
import { createPlan } from '../../../src/container/create-plan.js';
import { hostFiles } from '../../../src/container/host-files.js';
import type { Situation } from '../../../src/container/situation.js';
import { writeIdMaps } from '../../../src/container/write-id-maps.js';
import type { RootMount } from '../../../src/storage/root-mount.js';
import { rootPathOf } from '../../../src/storage/root-mount.js';
import { hostArch } from '../../../src/sys/abi.js';
import { AGREED } from '../../../src/sys/agreement.js';
import { hasEnded, type Process, processOf } from '../../../src/sys/owners.js';
import { startOnce } from '../../../src/sys/perform-once.js';
import { type ConfigRun, configFor, runConfig } from '../container/run-config.js';
import { until } from '../sys/own-launcher.js';

export interface Layers {
  folder: string;
  /** Lowest first. */
  lower: string[];
  upper: string;
  work: string;
  place: string;
  remove(): void;
}

/** `files` of each layer, lowest first: path → content. */
export function ownLayers(files: readonly Record<string, string>[], name = 'vlab-layers-'): Layers {
  const folder = mkdtempSync(join(tmpdir(), name));
  const lower = files.map((_, index) => join(folder, 'layers', String(index)));
  lower.forEach((layer, index) => {
    mkdirSync(layer, { recursive: true });
    for (const [path, content] of Object.entries(files[index] ?? {})) put(layer, path, content);
  });
  putBusybox(lower[0] ?? '');
  const own = join(folder, 'own');
  const [upper, work, place] = ['upper', 'work', 'root'].map((part) => join(own, part)) as [string, string, string];
  for (const path of [upper, work, place]) mkdirSync(path, { recursive: true });
  return { folder, lower, upper, work, place, remove: () => rmSync(folder, { recursive: true }) };
}

function put(layer: string, path: string, content: string): void {
  mkdirSync(dirname(join(layer, path)), { recursive: true });
  writeFileSync(join(layer, path), content);
}

/** /bin/busybox and /bin/sh, and the directories that every image has. */
export function putBusybox(folder: string): void {
  for (const path of ['bin', 'etc', 'tmp', 'dev', 'proc', 'sys']) mkdirSync(join(folder, path), { recursive: true });
  copyFileSync('/bin/busybox', join(folder, 'bin/busybox'));
  symlinkSync('busybox', join(folder, 'bin/sh'));
}

/** What a shell in that root says, with `sh -ec script`. Throws when it does not end with 0. */
export async function shellIn(
  root: RootMount,
  script: string,
  { change, ...more }: Partial<Omit<ConfigRun, 'rootfs' | 'words'>> = {},
): Promise<string> {
  const run: ConfigRun = {
    rootfs: rootPathOf(root),
    words: [],
    rootMount: root,
    ...more,
    change(config: OciConfig) {
      config.process.args = ['/bin/busybox', 'sh', '-ec', script];
      config.process.env = ['PATH=/bin'];
      change?.(config);
    },
  };
  const { stdout, exit } = await runConfig(run);
  if (!exit || !('code' in exit) || exit.code !== 0) throw new Error(`${script}: ${JSON.stringify(exit)} ${stdout}`);
  return stdout;
}

/** The same through the plan of `create`, whose caller writes the maps of a user namespace. */
export async function createdShellIn(root: RootMount, script: string, change: (config: OciConfig) => void) {
  const config = configFor({
    rootfs: rootPathOf(root),
    words: [],
    change(all) {
      all.process.args = ['/bin/busybox', 'sh', '-ec', script];
      all.process.env = ['PATH=/bin'];
      change(all);
    },
  });
  const situation: Situation = {
    arch: hostArch(),
    cgroups: [],
    kernelPaths: {},
    rootless: undefined,
    files: hostFiles,
  };
  const options = { answersBorn: true, answersMounted: false, preserved: [], ownedStdio: [], rootMount: root };
  const { plan } = createPlan(config, situation, cgroupOf(config, 'vlab-created', situation), options);
  const folder = mkdtempSync(join(tmpdir(), 'vlab-output-'));
  const output = openSync(join(folder, 'stdout'), 'w');
  try {
    const performance = await startOnce(plan, { stdio: ['ignore', output, 'inherit'] });
    let first: Process | undefined;
    performance.onNote = async (payload) => {
      if (first) return;
      first = processOf(readPid(payload));
      await writeIdMaps(first.pid, config, false);
      performance.answer(AGREED);
    };
    const { failure } = await performance.ended;
    if (failure) throw failure;
    const made = first as Process | undefined;
    if (!made) throw new Error('no process was made');
    await until(() => hasEnded(made), 'it has ended');
    return readFileSync(join(folder, 'stdout'), 'utf8');
  } finally {
    closeSync(output);
    rmSync(folder, { recursive: true });
  }
}
