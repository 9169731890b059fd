/** A room with podman in it, set up as docs/engines.md has it. */
import { documentedFile } from './documented.js';
import type { Ended, EngineRoom, RoomOptions } from './engine-room.js';
import { makeRootfs } from './image.js';
import { installRuntime, type Way } from './runtimes.js';
import { withRoom } from './with-room.js';

const CONFIGURATION = ['/etc/containers/containers.conf', '/etc/containers/containers.conf.d/without-systemd.conf'];

/** Verbs that make a container, and so choose its cgroup. */
const MAKES = /^(run|create|build|pod create)\b/;

export class Podman {
  constructor(
    readonly room: EngineRoom,
    private readonly options: RoomOptions = {},
    private readonly flags: readonly string[] = [],
  ) {}

  /** The same podman with another runtime. */
  using(runtime: string): Podman {
    return new Podman(this.room, this.options, [`--runtime=${runtime}`]);
  }

  /** `podman …`; nothing has a network that does not ask for one. */
  async run(...words: string[]): Promise<Ended> {
    return this.room.run(this.words(words), this.options);
  }

  async with(options: RoomOptions, ...words: string[]): Promise<Ended> {
    return this.room.run(this.words(words), { ...this.options, ...options });
  }

  /** Standard output of a command that must end with 0. */
  async ask(...words: string[]): Promise<string> {
    return this.room.ask(this.words(words), this.options);
  }

  /** `podman run --rm` of the image. `flags`: before it. */
  async once(flags: readonly string[], ...command: string[]): Promise<Ended> {
    return this.run('run', '--rm', ...flags, 'bb', ...command);
  }

  /** What a shell in a new container says on standard output. */
  async says(flags: readonly string[], script: string): Promise<string> {
    return this.ask('run', '--rm', ...flags, 'bb', 'sh', '-c', script);
  }

  async onTerminal(...words: string[]): Promise<Ended> {
    return this.room.onTerminal(this.words(words), this.options);
  }

  private words(words: readonly string[]): string[] {
    const [verb = '', ...rest] = words;
    const count = verb === 'pod' ? 2 : 1;
    if (!MAKES.test(words.slice(0, 2).join(' '))) return ['podman', ...this.flags, ...words];
    const isolated = rest.some((word) => /^--(network|pod)\b/.test(word)) ? [] : ['--network=none'];
    const parent =
      this.options.user || rest.includes('--cgroups=disabled')
        ? []
        : [`--cgroup-parent=${this.room.cgroup}${verb === 'build' ? '/build' : ''}`];
    return ['podman', ...this.flags, ...words.slice(0, count), ...isolated, ...parent, ...words.slice(count)];
  }
}

/** Configures podman and gives it the image `bb`. */
export async function setUpPodman(room: EngineRoom, way: Way): Promise<Podman> {
  await installRuntime(room, way);
  for (const path of CONFIGURATION) room.write(path, documentedFile(path));
  const podman = new Podman(room);
  await importImage(podman, await makeRootfs(room));
  return podman;
}

export async function importImage({ room }: Podman, rootfs: string, options: RoomOptions = {}): Promise<void> {
  await room.ask(['sh', '-c', 'tar -C "$0" -c . | podman import - bb', rootfs], options);
}

export function withPodman(way: Way, use: (podman: Podman) => void): void {
  withRoom({ engine: 'podman' }, async (room) => {
    const podman = await setUpPodman(room, way);
    await podman.once([], 'true'); // what podman makes once and keeps
    use(podman);
  });
}
