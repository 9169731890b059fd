/** One container of a test: its bundle, the operations of runtime.md on it, and what its program says. */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasEnded } from '../../fixtures/oci/processes.js';
import { expectSuccess, type Ran, runCommand, waitFor } from './command.js';
import type { Config } from './config.js';
import { readMachine } from './machine.js';

/** runtime.md#state, and whatever else a runtime shows. */
export interface State {
  ociVersion: string;
  id: string;
  status: string;
  pid?: number;
  bundle: string;
  annotations?: Record<string, string>;
}

export interface Place {
  /** Done before each command: what the test has made meanwhile becomes its caller's. */
  give?: () => void;
  /** Words of every command, with the global flags. */
  words: readonly string[];
  env: Readonly<Record<string, string>>;
}

export class Container {
  pid = 0;
  private created = false;

  constructor(
    readonly place: Place,
    readonly id: string,
    /** The bundle, which exists; its root file system is `rootfs` in it. */
    readonly bundle: string,
    readonly config: Config,
  ) {
    this.writeConfig(config);
  }

  get rootfs(): string {
    return join(this.bundle, 'rootfs');
  }

  writeConfig(config: unknown): void {
    this.writeConfigText(JSON.stringify(config));
  }

  writeConfigText(text: string | Buffer): void {
    writeFileSync(join(this.bundle, 'config.json'), text);
  }

  run(...words: string[]): Promise<Ran> {
    this.place.give?.();
    return runCommand([...this.place.words, ...words], { env: this.place.env });
  }

  /** Its program's output, and the runtime's errors, go to files of the bundle. */
  async tryCreate(options: { words?: string[]; bundle?: string; cwd?: string } = {}): Promise<Ran> {
    this.created = true;
    const output = { stdout: openSync(this.outPath, 'a'), stderr: openSync(this.errPath, 'a') };
    this.place.give?.();
    try {
      const ran = await runCommand(
        [
          ...this.place.words,
          ...['create', '--bundle', options.bundle ?? this.bundle, '--pid-file', this.pidPath],
          ...(options.words ?? []),
          this.id,
        ],
        { env: this.place.env, output, ...(options.cwd === undefined ? {} : { cwd: options.cwd }) },
      );
      return { ...ran, stderr: readFileSync(this.errPath, 'utf8') };
    } finally {
      closeSync(output.stdout);
      closeSync(output.stderr);
    }
  }

  /** Error: the runtime failed, or did not tell the process. */
  async create(options: { words?: string[]; bundle?: string; cwd?: string } = {}): Promise<void> {
    expectSuccess('create', await this.tryCreate(options));
    if (!existsSync(this.pidPath)) throw new Error('create succeeded and wrote no pid');
    this.pid = Number(readFileSync(this.pidPath, 'utf8'));
    if (!(this.pid > 1)) throw new Error(`create told the pid ${this.pid}`);
  }

  async start(): Promise<void> {
    expectSuccess('start', await this.run('start', this.id));
  }

  async kill(signal: string): Promise<void> {
    expectSuccess('kill', await this.run('kill', this.id, signal));
  }

  async delete(): Promise<void> {
    expectSuccess('delete', await this.run('delete', this.id));
    this.forget();
  }

  /** It was seen to be gone. */
  forget(): void {
    this.created = false;
  }

  async state(): Promise<State> {
    const ran = await this.run('state', this.id);
    expectSuccess('state', ran);
    try {
      return JSON.parse(ran.stdout) as State;
    } catch {
      throw new Error(`state printed no JSON: ${JSON.stringify(ran.stdout.slice(0, 200))}`);
    }
  }

  /** What the program has written so far. */
  get output(): string {
    return readFileSync(this.outPath, 'utf8');
  }

  get errors(): string {
    return existsSync(this.errPath) ? readFileSync(this.errPath, 'utf8') : '';
  }

  /** Processes that have its output open: those of the container, and of the runtime in its name. */
  processes(): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => !hasEnded(pid) && isOpen(pid, this.outPath));
  }

  /** All that the program writes until it ends. */
  async finished(): Promise<string> {
    await this.stopped();
    return this.output;
  }

  async stopped(): Promise<void> {
    await waitFor('the end of the container process', () => hasEnded(this.pid));
    // Process 1 reaps it at once, or never: some runtimes take what is not reaped for running.
    await waitFor('', () => !existsSync(`/proc/${this.pid}`), 200).catch(() => {});
  }

  /** Waits until the program has written this. */
  async says(text: string): Promise<void> {
    await waitFor(`${JSON.stringify(text)} in the output`, () => {
      if (this.output.includes(text)) return true;
      if (hasEnded(this.pid)) throw new Error(`the program ended; it wrote ${JSON.stringify(this.output)}`);
      return false;
    });
  }

  /** Whatever became of it, it is gone after this. */
  async remove(): Promise<void> {
    if (!this.created) return;
    await this.run('delete', '--force', this.id);
    if (this.pid > 1 && !hasEnded(this.pid)) {
      // The runtime failed to; the number is of a process that this test had made and that has not ended.
      process.kill(this.pid, 'SIGKILL');
    }
  }

  /** A control file of its cgroup on v1: `memory/memory.limit_in_bytes`. */
  control(path: string): string {
    return readFileSync(this.controlPath(path), 'utf8').trim();
  }

  controlPath(path: string): string {
    const [controller = '', file = ''] = path.split('/');
    const mount = readMachine().cgroups.v1.get(controller);
    if (mount === undefined) throw new Error(`no ${controller} controller on cgroup v1`);
    return join(mount, this.config.linux.cgroupsPath ?? '', file);
  }

  /** Directories of its cgroup, in all hierarchies where it has one. */
  cgroups(): string[] {
    const { v1, v2 } = readMachine().cgroups;
    return [...new Set([...v1.values(), ...(v2 === undefined ? [] : [v2])])]
      .map((mount) => join(mount, this.config.linux.cgroupsPath ?? this.id))
      .filter(existsSync);
  }

  private get outPath(): string {
    return join(this.bundle, 'out');
  }
  private get errPath(): string {
    return join(this.bundle, 'err');
  }
  private get pidPath(): string {
    return join(this.bundle, 'pid');
  }
}

function isOpen(pid: number, path: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/fd/1`) === path;
  } catch {
    return false; // it has ended, or has no such descriptor
  }
}
