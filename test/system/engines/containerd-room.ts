/** A room with containerd in it, and ctr(8) to ask it. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { isRoot, needs } from '../../skips.js';
import { until } from '../sys/own-launcher.js';
import { type Ended, EngineRoom } from './engine-room.js';
import { makeRootfs } from './image.js';
import { imageArchive } from './image-archive.js';
import { expectNothingNew } from './leftovers.js';
import { installRuntime, RUNTIME_PATH, type Way } from './runtimes.js';

const SOCKET = '/run/containerd/containerd.sock';
const LOG = '/run/room/containerd.log';
const CONFIG = '/etc/containerd/config.toml';
/** Where the shim's runtime keeps its containers; by default the shim says so itself. */
const STATE = '/run/containerd/runc/default';
const IMAGE = 'room/bb:latest';

const hasContainerd = spawnSync('containerd', ['--version']).status === 0;

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
  let room: EngineRoom | undefined;
  let nothingNew: () => Promise<void> = async () => {};
  beforeAll(async () => {
    if (!isRoot || !hasContainerd) return;
    room = await EngineRoom.start();
    await installRuntime(room, way);
    room.write(CONFIG, 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n');
    const { outside } = room;
    await room.stay(['containerd'], LOG);
    await until(() => existsSync(outside.call(room, SOCKET)), 'containerd listens', 10_000);
    const archive = await imageArchive(room, await makeRootfs(room), IMAGE);
    await room.ask(['ctr', 'images', 'import', archive]);
    const containerd = new Containerd(room);
    await containerd.start('first', ['--rm'], 'true');
    nothingNew = expectNothingNew(room, [STATE, '/run/netns', '/run/containerd/s']);
    use(containerd);
  });
  beforeEach((context) => {
    needs(context, 'root', isRoot);
    needs(context, 'containerd', hasContainerd);
  });
  afterEach(() => nothingNew());
  afterAll(async () => room?.[Symbol.asyncDispose]());
}
