/** Containers of a test's own, by vlab-oci's command line, from a bundle that is changed for each. Needs the built dist/. */
import { spawn } from 'node:child_process';
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { DEFAULT_CAPABILITIES } from '../../../src/container/config/capabilities.js';
import type { OciConfig } from '../../../src/container/config/schema.js';
import { type Finished, ownRootfs, removeRootfs } from './vlab-run.js';

const OCI = resolve(import.meta.dirname, '../../../bin/vlab-oci.cjs');
const TIMEOUT_MS = 20_000;

export type Change = (config: OciConfig) => void;

export interface CallOptions {
  /** A command to run it under. */
  wrapper?: readonly string[];
  env?: NodeJS.ProcessEnv;
  /** A file for what is said, where the container outlives the command and holds on to it. */
  output?: string;
}

/** Docker's capabilities, a procfs, a /dev, and namespaces without a user namespace. */
function firstConfig(words: readonly string[]): OciConfig {
  const set = [...DEFAULT_CAPABILITIES];
  return {
    ociVersion: '1.2.0',
    process: {
      user: { uid: 0, gid: 0 },
      args: ['/probe', ...words],
      env: ['PATH=/'],
      cwd: '/',
      capabilities: { bounding: set, effective: set, permitted: set, inheritable: [], ambient: [] },
      noNewPrivileges: true,
    },
    root: { path: 'rootfs' },
    mounts: [
      { destination: '/proc', type: 'proc', options: [] },
      { destination: '/dev', type: 'tmpfs', options: ['nosuid', 'mode=755'] },
    ],
    linux: {
      namespaces: (['pid', 'network', 'ipc', 'uts', 'mount'] as const).map((type) => ({ type })),
      devices: [],
      resources: {},
      maskedPaths: [],
      readonlyPaths: [],
    },
  };
}

export class Bundle implements Disposable {
  readonly state: string;

  private constructor(
    readonly dir: string,
    private readonly rootfs: string,
  ) {
    this.state = join(dir, 'state');
  }

  /** Everybody may read it. */
  static async make(): Promise<Bundle> {
    const rootfs = await ownRootfs();
    const dir = mkdtempSync(join(tmpdir(), 'vlab-bundle-'));
    chmodSync(dir, 0o755);
    symlinkSync(rootfs, join(dir, 'rootfs'));
    return new Bundle(dir, rootfs);
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true });
    removeRootfs(this.rootfs);
  }

  /** What the probe does in a container with that configuration. */
  async run(words: readonly string[], change: Change = () => {}, options: CallOptions = {}): Promise<Finished> {
    this.write(words, change);
    return this.call(['run', '--bundle', this.dir, `vlab-test-${process.pid}`], options);
  }

  /** Its output; throws what went wrong. */
  async output(words: readonly string[], change?: Change, options?: CallOptions): Promise<string> {
    const { code, stdout, stderr } = await this.run(words, change, options);
    if (code !== 0) throw new Error(`exit code ${code}: ${stdout}${stderr}`);
    return stdout.trimEnd();
  }

  /** What is said instead of running it. */
  async refusal(change: Change, options?: CallOptions): Promise<string> {
    const { code, stderr } = await this.run(['true'], change, options);
    if (code === 0) throw new Error('nothing was refused');
    return stderr.trimEnd();
  }

  write(words: readonly string[], change: Change = () => {}): void {
    const config = firstConfig(words);
    change(config);
    // As a Go program writes numbers of 64 bits.
    const text = JSON.stringify(config, (_, value: unknown) => (typeof value === 'bigint' ? `big ${value}` : value));
    writeFileSync(join(this.dir, 'config.json'), text.replace(/"big (-?\d+)"/g, '$1'));
  }

  /** A container that runs until it is deleted; `use` gets its id and its first process. */
  async running<T>(change: Change, use: (container: { id: string; pid: number }) => Promise<T>, options?: CallOptions) {
    const id = `vlab-test-${process.pid}-running`;
    this.write(['sleep', '60'], change);
    const output = join(this.dir, 'output');
    const started = await this.call(['run', '--detach', '--bundle', this.dir, id], { ...options, output });
    if (started.code !== 0) throw new Error(readFileSync(output, 'utf8'));
    try {
      const { pid } = JSON.parse((await this.call(['state', id], options)).stdout) as { pid: number };
      return await use({ id, pid });
    } finally {
      await this.call(['delete', '--force', id], options);
    }
  }

  async call(words: readonly string[], { wrapper = [], env, output }: CallOptions = {}): Promise<Finished> {
    const [command = '', ...args] = [...wrapper, process.execPath, OCI, '--root', this.state, ...words];
    const file = output === undefined ? ('pipe' as const) : openSync(output, 'w');
    const child = spawn(command, args, {
      cwd: this.dir,
      stdio: ['ignore', file, file],
      env: { ...process.env, ...env },
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    const ended = new Promise<number | null>((done) => child.on('close', done));
    const read = async (stream: Readable | null) => (stream ? (await buffer(stream)).toString() : '');
    const [stdout, stderr] = await Promise.all([read(child.stdout), read(child.stderr)]);
    if (typeof file === 'number') closeSync(file);
    return { code: await ended, stdout, stderr };
  }
}

/** Fields of /proc/PID/status and the like: `Name:\tvalue`. */
export function fieldsOf(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split('\n').map((line) => {
      const [, name = '', value = ''] = /^([^:]+):\s*(.*?)\s*$/.exec(line) ?? [];
      return [name, value];
    }),
  );
}
