/** A room with containerd in it, and ctr(8) to ask it. */
import { existsSync } from 'node:fs';
import { until } from '../sys/own-launcher.js';
import { writeNetwork } from './cni.js';
import { documentedCommand, documentedFile } from './documented.js';
import type { Ended, EngineRoom } from './engine-room.js';
import { makeRootfs } from './image.js';
import { imageArchive } from './image-archive.js';
import { installRuntime, type Way } from './runtimes.js';
import { withRoom } from './with-room.js';

const SOCKET = '/run/containerd/containerd.sock';
const LOG = '/run/room/containerd.log';
const CONFIG = '/etc/containerd/config.toml';
/** Where the shim's runtime keeps its containers; by default the shim says so itself. */
const STATE = '/run/containerd/runc';
const IMAGE = 'docker.io/room/bb:latest';
/** Of `ctr`, and of Kubernetes' interface. */
const NAMESPACES = ['default', 'k8s.io'];
/** What its own part for Kubernetes needs here: an image that stays, and no score that needs CAP_SYS_RESOURCE. */
const IN_A_ROOM = `
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${IMAGE}"
restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
`;

export class Containerd {
  constructor(readonly room: EngineRoom) {}

  /** As the machine sees it. */
  get socket(): string {
    return this.room.outside(SOCKET);
  }

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

  /** As the documentation has it; the flags stand where it has `--rm`. */
  private words(id: string, flags: readonly string[], command: readonly string[]): string[] {
    const places: Readonly<Record<string, readonly string[]>> = {
      '--rm': [`--cgroup=${this.room.cgroup}/${id}`, ...flags],
      IMAGE: [IMAGE],
      ID: [id],
      COMMAND: command,
    };
    const [, ...words] = documentedCommand('ctr run');
    return words.flatMap((word) => places[word] ?? [word]);
  }
}

export function withContainerd(way: Way, use: (containerd: Containerd) => void): void {
  withRoom(
    {
      engine: 'containerd',
      state: [...NAMESPACES.map((name) => `${STATE}/${name}`), '/run/netns', '/run/containerd/s'],
    },
    async (room) => {
      await installRuntime(room, way);
      writeNetwork(room);
      room.write(CONFIG, documentedFile(CONFIG) + IN_A_ROOM);
      await room.stay(['containerd'], LOG);
      await until(() => existsSync(room.outside(SOCKET)), 'containerd listens', 10_000);
      const archive = await imageArchive(room, await makeRootfs(room), IMAGE, ['sleep', '1000']);
      for (const namespace of NAMESPACES) await room.ask(['ctr', '-n', namespace, 'images', 'import', archive]);
      const containerd = new Containerd(room);
      await containerd.start('first', ['--rm'], 'true');
      use(containerd);
    },
  );
}
