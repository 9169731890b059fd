/**
 * Kubernetes' side of containerd: a client of the Container Runtime Interface, which is gRPC over a Unix socket.
 * Field numbers are those of runtime.v1 (k8s.io/cri-api, pkg/apis/runtime/v1/api.proto).
 */
import { type ClientHttp2Session, connect } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { encode, Fields, type Message } from './protobuf.js';

const FRAME_HEADER_BYTES = 5;
/** NamespaceMode: each container has its own. */
const CONTAINER = 1;

export interface PodContainer {
  name: string;
  command: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Read-only, at the same place. */
  mount?: string;
  memoryLimitBytes?: number;
  user?: number;
  readOnly?: boolean;
}

export class Cri implements Disposable {
  private readonly session: ClientHttp2Session;

  constructor(socketPath: string) {
    this.session = connect('http://localhost', { createConnection: () => connectSocket(socketPath) });
  }

  [Symbol.dispose](): void {
    this.session.destroy();
  }

  /** Its id. `handler`: a runtime by its name. */
  async runPod(name: string, handler: string, cgroupParent: string, logDirectory: string): Promise<Pod> {
    const security = { 1: { 2: CONTAINER } }; // network and IPC are the pod's
    const config = {
      1: { 1: name, 2: name, 3: 'room' },
      2: name,
      3: logDirectory,
      8: { 1: cgroupParent, 2: security },
    };
    const answer = await this.call('RunPodSandbox', { 1: config, 2: handler });
    return new Pod(this, answer.text(1), config);
  }

  async call(method: string, request: Message): Promise<Fields> {
    const stream = this.session.request({
      ':method': 'POST',
      ':path': `/runtime.v1.RuntimeService/${method}`,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const body = encode(request);
    const header = Buffer.alloc(FRAME_HEADER_BYTES); // not compressed
    header.writeUInt32BE(body.length, 1);
    stream.end(Buffer.concat([header, body]));
    // An error without an answer has its status among the headers.
    let status: Readonly<Record<string, unknown>> = {};
    for (const event of ['response', 'trailers']) stream.on(event, (headers) => (status = { ...status, ...headers }));
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    if (status['grpc-status'] !== '0')
      throw new Error(`${method}: ${decodeURIComponent(String(status['grpc-message']))}`);
    return new Fields(Buffer.concat(chunks).subarray(FRAME_HEADER_BYTES));
  }
}

export class Pod {
  constructor(
    private readonly cri: Cri,
    readonly id: string,
    private readonly config: Message,
  ) {}

  /** Creates and starts one, and gives its id. */
  async start(container: PodContainer): Promise<string> {
    const { name, command, env = {}, mount, memoryLimitBytes, user, readOnly } = container;
    const security = { 3: { 2: CONTAINER }, 5: user === undefined ? undefined : { 1: user }, 7: readOnly };
    const config = {
      1: { 1: name },
      2: { 1: 'docker.io/room/bb:latest' },
      3: command,
      6: Object.entries(env).map(([key, value]) => ({ 1: key, 2: value })),
      7: mount ? { 1: mount, 2: mount, 3: true } : undefined,
      11: `${name}.log`,
      15: { 1: { 4: memoryLimitBytes }, 2: security },
    };
    const created = await this.cri.call('CreateContainer', { 1: this.id, 2: config, 3: this.config });
    await this.cri.call('StartContainer', { 1: created.text(1) });
    return created.text(1);
  }

  async exec(id: string, ...command: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const answer = await this.cri.call('ExecSync', { 1: id, 2: command, 3: 20 });
    return { stdout: answer.text(1), stderr: answer.text(2), code: answer.number(3) };
  }

  /** 1: runs, 2: has ended. */
  async status(id: string): Promise<{ state: number; exitCode: number }> {
    const status = (await this.cri.call('ContainerStatus', { 1: id })).message(1);
    return { state: status.number(3), exitCode: status.number(7) };
  }

  async limitMemory(id: string, bytes: number): Promise<void> {
    await this.cri.call('UpdateContainerResources', { 1: id, 2: { 4: bytes } });
  }

  async stop(id: string, timeoutSeconds: number): Promise<void> {
    await this.cri.call('StopContainer', { 1: id, 2: timeoutSeconds });
  }

  /** With all its containers. */
  async remove(): Promise<void> {
    await this.cri.call('StopPodSandbox', { 1: this.id });
    await this.cri.call('RemovePodSandbox', { 1: this.id });
  }
}
