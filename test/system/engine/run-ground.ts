/** A place of its own for containers that a test starts: directories, a busybox root, and the launcher that goes with them. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { defaultConfig } from '../../../src/container/config/default-config.js';
import type { OciConfig } from '../../../src/container/config/schema.js';
import { containerDir, containerRunDir } from '../../../src/engine/record/container-files.js';
import { startContainer } from '../../../src/engine/run/start-container.js';
import type { Started, StartRequest } from '../../../src/engine/run/start-request.js';
import { launcherDir, launcherPid } from '../../../src/sys/launcher.js';
import { hasEnded, sweepOwners } from '../../../src/sys/owners.js';
import { signalIfThere } from '../../../src/sys/signal.js';
import { until } from '../sys/own-launcher.js';

export const BUSYBOX = '/bin/busybox';

/** busybox as a root file system. */
export function busyboxRoot(parent: string): string {
  const rootfs = join(parent, 'rootfs');
  for (const path of ['bin', 'proc', 'sys', 'dev', 'tmp', 'etc']) mkdirSync(join(rootfs, path), { recursive: true });
  copyFileSync(BUSYBOX, join(rootfs, 'bin/busybox'));
  for (const name of [
    'sh',
    'sleep',
    'cat',
    'true',
    'false',
    'echo',
    'seq',
    'yes',
    'head',
    'tty',
    'stty',
    'env',
    'id',
    'ls',
    'dd',
  ])
    symlinkSync('busybox', join(rootfs, 'bin', name));
  return rootfs;
}

export class RunGround implements AsyncDisposable {
  readonly root = mkdtempSync(join(tmpdir(), 'vlr-'));
  readonly rootfs: string;
  private readonly saved = { ...process.env };
  private readonly started: Started[] = [];
  private count = 0;

  constructor() {
    process.env.VLAB_RUN_DIR = join(this.root, 'run');
    process.env.VLAB_DATA_DIR = join(this.root, 'data');
    this.rootfs = busyboxRoot(this.root);
  }

  newId(): string {
    this.count++;
    return (process.pid * 1000 + this.count).toString(16).padStart(64, 'e');
  }

  config(id: string, command: string[], more: (config: OciConfig) => void = () => {}): OciConfig {
    const config = defaultConfig({ id, rootfs: this.rootfs, command, env: { PATH: '/bin' } });
    more(config);
    return config;
  }

  request(command: string[], more: Partial<StartRequest> = {}): StartRequest {
    const id = more.id ?? this.newId();
    mkdirSync(containerDir(id), { recursive: true });
    return {
      id,
      dir: containerDir(id),
      runDir: containerRunDir(id),
      config: this.config(id, command),
      stdin: 'closed',
      log: { driver: 'file', maxFiles: 1 },
      finish: ['/bin/true'],
      finishEnv: [],
      ...more,
    };
  }

  async start(request: StartRequest): Promise<Started> {
    const started = await startContainer(request);
    this.started.push(started);
    return started;
  }

  /** What is left of runs in the run directory and in cgroups. */
  left(): string[] {
    const below = (path: string) => (existsSync(path) ? readdirSync(path).map((name) => join(path, name)) : []);
    return [
      ...below(join(this.root, 'run/c')),
      ...below(join(this.root, 'run/owners')),
      ...this.started.flatMap(({ cgroups }) => cgroups.filter((path) => existsSync(path))),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { init, monitor } of this.started) {
      if (!hasEnded(init)) signalIfThere(init.pid, 'SIGKILL');
      await until(() => hasEnded(monitor), `the monitor of ${init.pid} has ended`);
    }
    const pid = launcherPid(launcherDir());
    if (pid !== undefined) signalIfThere(pid, 'SIGKILL');
    await sweepOwners();
    process.env = this.saved;
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** A stream that keeps what is written to it. */
export class Taken extends PassThrough {
  text = '';
  constructor() {
    super();
    this.on('data', (chunk: Buffer) => {
      this.text += chunk.toString();
    });
  }
}

/** A change of a configuration: its program gets a terminal. */
export const terminal = (config: OciConfig): void => {
  config.process.terminal = true;
};
