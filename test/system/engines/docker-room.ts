/** A room with dockerd in it, set up as docs/engines.md has it, with a containerd of its own. */
import { existsSync } from 'node:fs';
import { until } from '../sys/own-launcher.js';
import { documentedCommand, documentedFile } from './documented.js';
import { EngineClient } from './engine-client.js';
import type { EngineRoom, Staying } from './engine-room.js';
import { makeRootfs } from './image.js';
import { installRuntime, type Way } from './runtimes.js';
import { withRoom } from './with-room.js';

/** The docker package's own command, whatever else is installed. */
const DOCKER = '/usr/bin/docker';
const SOCKET = '/run/docker.sock';
const LOG = '/run/room/dockerd.log';
const CONFIGURATION = '/etc/docker/daemon.json';

/** The room has no firewall, and no systemd. */
const IN_A_ROOM = ['--iptables=false', '--ip6tables=false', '--exec-opt=native.cgroupdriver=cgroupfs'];

/** Where the shim's runtime keeps its containers, and dockerd's containerd its tasks. */
const STATE = ['/run/docker/runtime-runc/moby', '/run/docker/containerd/daemon/io.containerd.runtime.v2.task/moby'];

/** How dockerd learns of vlab-oci: from its configuration, for all containers, or from its command line, for who asks. */
export type Configured = 'by file' | 'by flag';

export class Docker extends EngineClient {
  constructor(
    room: EngineRoom,
    readonly configured: Configured,
    private daemon: Staying,
  ) {
    super(room, { env: { DOCKER_CONFIG: '/run/room/docker' } });
  }

  async inspect(name: string, format: string): Promise<string> {
    return this.ask('inspect', '-f', format, name);
  }

  /** Kills the daemon and starts another one. */
  async restartDaemon(flags: readonly string[]): Promise<void> {
    await this.daemon.end('SIGKILL');
    await this.room.ask(['rm', '-f', SOCKET, '/run/docker.pid']);
    this.daemon = await startDaemon(this.room, this.configured, flags);
  }

  protected words([verb = '', ...rest]: readonly string[]): string[] {
    const asks = this.configured === 'by flag' && (verb === 'run' || verb === 'create');
    return asks ? [DOCKER, verb, ...documentedCommand('docker run').slice(2, 4), ...rest] : [DOCKER, verb, ...rest];
  }
}

async function startDaemon(room: EngineRoom, configured: Configured, flags: readonly string[]): Promise<Staying> {
  const command = configured === 'by flag' ? documentedCommand('dockerd') : ['dockerd'];
  const bridge = await room.run(['ip', 'link', 'add', 'tried', 'type', 'bridge']);
  if (bridge.code === 0) await room.ask(['ip', 'link', 'del', 'tried']);
  const network = bridge.code === 0 ? [] : ['--bridge=none'];
  const daemon = await room.stay(
    [...command, ...IN_A_ROOM, `--cgroup-parent=${room.cgroup}`, ...network, ...flags],
    LOG,
  );
  await until(() => daemon.ended || existsSync(room.outside(SOCKET)), 'dockerd listens', 30_000);
  if (daemon.ended) throw new Error(`dockerd ended: ${await daemon.log()}`);
  return daemon;
}

export interface DockerOptions {
  way: Way;
  configured?: Configured;
  /** More words for dockerd. */
  flags?: readonly string[];
  /** What must be in the room before it starts. */
  prepare?: (room: EngineRoom) => void;
}

/** With the image `bb`. */
export function withDocker(
  { way, configured = 'by file', flags = [], prepare }: DockerOptions,
  use: (docker: Docker) => void,
): void {
  withRoom({ engine: 'docker', state: STATE }, async (room) => {
    await installRuntime(room, way);
    prepare?.(room);
    if (configured === 'by file') room.write(CONFIGURATION, documentedFile(CONFIGURATION));
    const docker = new Docker(room, configured, await startDaemon(room, configured, flags));
    await room.ask(['sh', '-c', `tar -C ${await makeRootfs(room)} -c . | ${DOCKER} import -c 'ENV PATH=/bin' - bb`]);
    await docker.once(['--network=host'], 'true'); // what docker makes once and keeps
    use(docker);
  });
}
