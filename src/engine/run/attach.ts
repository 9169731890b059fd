/** A client of a running container's output and input, over its attach socket (frames.ts). */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { errnoOf, VlabError } from '../../base/errors.js';
import { DetachWatch } from './detach-keys.js';
import { FRAME, FrameReader, frame, HELLO, words } from './frames.js';
import { ATTACH_SOCKET } from './keep.js';
import type { Attachment, AttachStreams } from './start-request.js';

/** Error (`operation`): nothing runs there. */
export async function attach(runDir: string, streams: AttachStreams): Promise<Attachment> {
  const socket = connect(join(runDir, ATTACH_SOCKET));
  try {
    await once(socket, 'connect');
  } catch (error) {
    if (['ENOENT', 'ECONNREFUSED'].includes(errnoOf(error) ?? '')) {
      throw new VlabError('operation', 'the container is not running', { cause: error });
    }
    throw new VlabError('operation', 'cannot attach to the container', { cause: error });
  }
  return new SocketAttachment(socket, streams);
}

type Over = Awaited<Attachment['over']>;

class SocketAttachment implements Attachment {
  readonly over: Promise<Over>;
  private why: Over = 'cut';
  private full = false;
  private readonly stopReading: () => void;

  constructor(
    private readonly socket: Socket,
    private readonly streams: AttachStreams,
  ) {
    const { stdin, waits, size } = streams;
    socket.write(frame(FRAME.hello, words((waits ? HELLO.waits : 0) | (stdin ? HELLO.gives : 0))));
    if (size) this.resize(size);
    const reader = new FrameReader((type, bytes) => this.take(type, bytes));
    socket.on('data', (chunk: Buffer) => reader.read(chunk));
    socket.on('error', () => {}); // its end follows
    this.stopReading = stdin ? this.readFrom(stdin) : () => {};
    for (const to of [streams.stdout, streams.stderr]) to?.on('error', this.onUnread);
    // Not events.once: that would fail with the socket's error, which is no more than its end.
    this.over = new Promise<void>((resolve) => socket.once('close', () => resolve())).then(() => {
      this.stopReading();
      for (const to of [streams.stdout, streams.stderr]) to?.removeListener('error', this.onUnread);
      return this.why;
    });
  }

  resize({ rows, columns }: { rows: number; columns: number }): void {
    this.send(frame(FRAME.size, words(rows, columns)));
  }

  detach(): void {
    this.why = 'detached';
    this.socket.destroy();
  }

  /** Who reads what comes here has gone: as docker's client does, this one goes too, and the container goes on. */
  private readonly onUnread = () => {
    if (this.why === 'cut') this.why = 'unread';
    this.socket.destroy();
  };

  private send(bytes: Buffer): boolean {
    return this.socket.writable && this.socket.write(bytes);
  }

  private take(type: number, bytes: Buffer): void {
    if (type === FRAME.end) {
      this.why = 'ended';
      if (!this.full) this.socket.destroy();
      return;
    }
    const to = type === FRAME.stderr ? this.streams.stderr : this.streams.stdout;
    if (!to || to.write(bytes) || this.full) return;
    this.full = true; // what has come already is written on, and waited for once
    this.socket.pause();
    to.once('drain', () => {
      this.full = false;
      if (this.why === 'ended') this.socket.destroy();
      else this.socket.resume();
    });
  }

  /** Returns what ends it. */
  private readFrom(stdin: NodeJS.ReadableStream): () => void {
    const watch = new DetachWatch(this.streams.detachKeys ?? Buffer.alloc(0));
    const onData = (chunk: Buffer | string) => {
      const { pass, detach } = watch.read(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
      const room = pass.length === 0 || this.send(frame(FRAME.input, pass));
      if (detach) this.detach();
      else if (!room) {
        stdin.pause();
        this.socket.once('drain', () => stdin.resume());
      }
    };
    const onEnd = () => void this.send(frame(FRAME.inputEnd));
    stdin.on('data', onData);
    stdin.on('end', onEnd);
    stdin.on('error', onEnd);
    return () => {
      stdin.removeListener('data', onData);
      stdin.removeListener('end', onEnd);
      stdin.pause();
    };
  }
}
