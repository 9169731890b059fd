/**
 * A connected socket by its number, without node:net, which takes Node some milliseconds to load. It is a blocking one: a read
 * waits in a thread of its own, and an exit of the process with that (exit(3) joins them) is the owner's to avoid.
 */
import { EventEmitter } from 'node:events';
import { read, readSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { ChannelStream } from './channel.js';

const ROOM_BYTES = 1 << 16;

export class DescriptorStream extends EventEmitter implements ChannelStream {
  destroyed = false;

  constructor(private readonly fd: number) {
    super();
  }

  /** What is there, or comes next; empty at the end. Before `flow`. Throws as readSync does. */
  readNow(): Buffer {
    const room = Buffer.allocUnsafe(ROOM_BYTES);
    return room.subarray(0, readSync(this.fd, room));
  }

  /** From here on what comes is told as `data`, and the end as `close`. */
  flow(): void {
    const room = Buffer.allocUnsafe(ROOM_BYTES);
    read(this.fd, room, 0, ROOM_BYTES, null, (error, bytes) => {
      if (this.destroyed) return;
      if (error || bytes === 0) {
        this.destroy();
        return;
      }
      this.emit('data', room.subarray(0, bytes));
      this.flow();
    });
  }

  /** Who has gone takes no more. */
  write(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.fd, bytes, at);
    } catch {
      this.destroy();
    }
  }

  /** The other side sees an end (shutdown(2), which only node:net has). */
  end(bytes: Uint8Array = new Uint8Array(0)): void {
    this.write(bytes);
    if (!this.destroyed) new Socket({ fd: this.fd, readable: false }).on('error', () => {}).end();
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    process.nextTick(() => this.emit('close'));
  }
}
