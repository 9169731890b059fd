/** What a test is given: a place of its own where it makes containers, which is gone after it. */
import { spawn } from 'node:child_process';
import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, see } from './assert.js';
import { runCommand } from './command.js';
import { type Change, type Config, changed, rootlessConfig, soundConfig } from './config.js';
import { Container, type Place } from './container.js';
import type { Runtime } from './runtimes.js';

const DIRECTORIES = ['bin', 'data', 'dev', 'etc', 'out', 'proc', 'root', 'sys', 'tmp'];

export class Scene {
  private readonly containers: Container[] = [];
  private readonly undoings: (() => unknown)[] = [];

  constructor(
    readonly runtime: Runtime,
    /** The folder of this test, which is empty at first. */
    readonly dir: string,
    readonly place: Place,
    /** Starts the ids and the cgroup of its containers; no other test has it. */
    readonly name: string,
    /** The parent of all cgroups of this run, from the mount point: `/name`. */
    readonly cgroupParent: string,
    /** The test program, on the host. */
    readonly probe: string,
  ) {}

  /** A bundle that is sound but for `change`; the program is /probe with `args`. Nothing is created yet. */
  container(args: string[] = ['true'], change: Change = {}, place = this.place): Container {
    const id = `${this.name}-${this.containers.length}`;
    const bundle = join(this.dir, id);
    for (const name of DIRECTORIES) mkdirSync(join(bundle, 'rootfs', name), { recursive: true });
    linkSync(this.probe, join(bundle, 'rootfs/probe'));
    writeFileSync(join(bundle, 'rootfs/data/file'), 'of the rootfs\n');
    const container = new Container(place, id, bundle, this.config(id, args, change));
    this.containers.push(container);
    return container;
  }

  config(id: string, args: string[], change: Change): Config {
    const sound = soundConfig(this.runtime.version, `${this.cgroupParent}/${id}`, ['/probe', ...args]);
    const { user } = this.runtime;
    return user ? rootlessConfig(changed(sound, change), user) : changed(sound, change);
  }

  async created(args?: string[], change?: Change): Promise<Container> {
    const container = this.container(args, change);
    await container.create();
    return container;
  }

  /** A container whose program is still running: one that says `ready`. */
  async running(args: string[] = ['sleep', '60'], change?: Change): Promise<Container> {
    const container = await this.created(args, change);
    await container.start();
    await container.says('ready\n');
    return container;
  }

  /** What the program writes until it ends. */
  async output(args: string[], change?: Change): Promise<string> {
    const container = await this.created(args, change);
    await container.start();
    return container.finished();
  }

  /** As `output`, in lines. */
  async lines(args: string[], change?: Change): Promise<string[]> {
    return (await this.output(args, change)).replace(/\n$/, '').split('\n');
  }

  /**
   * The runtime must say that it cannot do this, and leave nothing: with `sound` instead of `faulty` it can. `late`: the
   * error may also come from `start`, as for the properties of the process; the program must not run then.
   */
  async refuses(faulty: Change, options: { sound?: Change; late?: boolean } = {}): Promise<void> {
    const twin = await this.created(['true'], options.sound);
    see('the status of the sound twin', (await twin.state()).status, 'created');
    await twin.remove();
    const container = this.container(['echo', 'it ran'], faulty);
    await this.refusedAsIs(container, options.late);
  }

  /** The second half of `refuses`, of a container whose sound twin was shown otherwise. */
  async refusedAsIs(container: Container, late = false): Promise<void> {
    const ran = await container.tryCreate();
    if (ran.code === undefined) fail('create did not end in time');
    if (ran.code === 0 && late) {
      const started = await container.run('start', container.id);
      if (started.code === 0) fail('neither create nor start generated an error');
      see('the output of the program', container.output, '');
      return;
    }
    if (ran.code === 0) fail('create generated no error');
    if ((await container.run('state', container.id)).code === 0) fail('the container exists after the error');
    see('cgroups that are left after the error', container.cgroups(), []);
    container.forget();
  }

  /** A verb of the test program in namespaces of a process: `inside(pid, ['--uts'], 'hostname')`. */
  async inside(pid: number, namespaces: string[], ...verb: string[]): Promise<string> {
    const program = namespaces.includes('--mount') ? '/probe' : this.probe;
    const ran = await runCommand(['nsenter', '--target', String(pid), ...namespaces, program, ...verb], {
      env: this.place.env,
    });
    return ran.stdout;
  }

  /** A folder of the host that has the test program in it. */
  folderOfProbe(): string {
    const folder = join(this.dir, 'with-probe');
    mkdirSync(folder);
    linkSync(this.probe, join(folder, 'probe'));
    return folder;
  }

  /** Starts a program of the host that says `ready` and lives as long as the test; its pid. */
  async holder(words: readonly string[]): Promise<number> {
    const [command = '', ...args] = words;
    const child = spawn(command, args, { env: { ...this.place.env }, stdio: ['ignore', 'pipe', 'inherit'] });
    this.finally(() => child.kill('SIGKILL'));
    await new Promise((resolve, reject) => {
      child.stdout.once('data', resolve);
      child.once('exit', () => reject(new Error(`${command} ended before it was ready`)));
      child.once('error', reject);
    });
    if (child.pid === undefined) fail(`${command} has no pid`);
    return child.pid;
  }

  /** Done when the containers are gone, in whatever way the test ends. The last is done first. */
  finally(undoing: () => unknown): void {
    this.undoings.push(undoing);
  }

  async end(): Promise<void> {
    const troubles: unknown[] = [];
    const works = [...this.containers.map((container) => () => container.remove()), ...this.undoings.reverse()];
    for (const work of works) {
      try {
        await work();
      } catch (error) {
        troubles.push(error);
      }
    }
    if (troubles.length > 0) throw troubles[0];
  }
}
