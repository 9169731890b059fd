/** A room with containerd in it, and ctr(8) to ask it. */
import { existsSync } from 'node:fs';
import { until } from '../sys/own-launcher.js';
import type { Ended, EngineRoom } from './engine-room.js';
import { makeRootfs } from './image.js';
import { imageArchive } from './image-archive.js';
import { installRuntime, RUNTIME_PATH, type Way } from './runtimes.js';
import { withRoom } from './with-room.js';

const SOCKET = '/run/containerd/containerd.sock';
const LOG = '/run/room/containerd.log';
const CONFIG = '/etc/containerd/config.toml';
/** Where the shim's runtime keeps its containers; by default the shim says so itself. */
const STATE = '/run/containerd/runc/default';
const IMAGE = 'room/bb:latest';

export class Containerd {
  constructor(readonly room: EngineRoom) {}

  async run(...words: string[]): Promise<Ended> {
    return this.room.run(['ctr', ...words]);
  }

  async ask(...words: string[]): Promise<string> {
    return this.room.ask(['ctr', ...words]);
  }

  /** `ctr run` of the image. */
  async start(id: string, flags: readonly string[], ...command: string[]): Promise<Ended> {
    return this.run(...this.words(id, flags, command));
  }

  async startOnTerminal(id: string, flags: readonly string[], ...command: string[]): Promise<Ended> {
    return this.room.onTerminal(['ctr', ...this.words(id, ['-t', ...flags], command)]);
  }

  /** Ends and removes a container of any state. */
  async remove(id: string): Promise<void> {
    await this.run('task', 'rm', '--force', id);
    await this.run('container', 'rm', id);
  }

  private words(id: string, flags: readonly string[], command: readonly string[]): string[] {
    const cgroup = `--cgroup=${this.room.cgroup}/${id}`;
    return ['run', `--runc-binary=${RUNTIME_PATH}`, cgroup, ...flags, IMAGE, id, ...command];
  }
}

export function withContainerd(way: Way, use: (containerd: Containerd) => void): void {
  withRoom({ engine: 'containerd', state: [STATE, '/run/netns', '/run/containerd/s'] }, async (room) => {
    await installRuntime(room, way);
    room.write(CONFIG, 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n');
    await room.stay(['containerd'], LOG);
    await until(() => existsSync(room.outside(SOCKET)), 'containerd listens', 10_000);
    const archive = await imageArchive(room, await makeRootfs(room), IMAGE);
    await room.ask(['ctr', 'images', 'import', archive]);
    const containerd = new Containerd(room);
    await containerd.start('first', ['--rm'], 'true');
    use(containerd);
  });
}
