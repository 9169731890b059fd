/** A room with podman in it, set up as docs/engines.md has it. */
import { documentedFile } from './documented.js';
import { EngineClient } from './engine-client.js';
import type { EngineRoom, RoomOptions } from './engine-room.js';
import { makeRootfs } from './image.js';
import { installRuntime, type Way } from './runtimes.js';
import { withRoom } from './with-room.js';

const CONFIGURATION = ['/etc/containers/containers.conf', '/etc/containers/containers.conf.d/without-systemd.conf'];

/** Verbs that make a container, and so choose its cgroup. */
const MAKES = /^(run|create|build|pod create)\b/;

/** Nothing has a network that does not ask for one. */
export class Podman extends EngineClient {
  constructor(
    room: EngineRoom,
    options: RoomOptions = {},
    private readonly flags: readonly string[] = [],
  ) {
    super(room, options);
  }

  /** The same podman with another runtime. */
  using(runtime: string): Podman {
    return new Podman(this.room, this.options, [`--runtime=${runtime}`]);
  }

  protected words(words: readonly string[]): string[] {
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
