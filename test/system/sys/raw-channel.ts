/** The channel by hand: bytes that no encoder would make, and the frames that come back (docs/plan-format.md). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { nativeBinary } from '../../../src/sys/native.js';

export const ENDED = 2;
export const REJECTED = 3;
export const REFUSED = 4;

export interface Frame {
  type: number;
  step: number;
  reason: number;
  result: bigint;
  payload: Buffer;
}

export function framesOf(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 40 + bytes.readUInt32LE(at + 4);
    frames.push({
      type: bytes.readUInt32LE(at),
      step: bytes.readInt32LE(at + 8),
      reason: bytes.readInt32LE(at + 12),
      result: bytes.readBigInt64LE(at + 16),
      payload: bytes.subarray(at + 40, end),
    });
    at = end;
  }
  return frames;
}

export interface RawOutcome {
  frames: Frame[];
  exitCode: number | null;
  stdout: string;
}

/** Gives the bytes to a one-shot vlab-init, then the end of the stream, and waits. `wrapper`: a command to run it under. */
export async function performBytes(bytes: Uint8Array, wrapper: readonly string[] = []): Promise<RawOutcome> {
  const [command = '', ...args] = [...wrapper, await nativeBinary('vlab-init'), 'perform'];
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit', 'pipe'], env: {} });
  const channel = child.stdio[3] as unknown as Socket;
  channel.on('error', () => {}); // a performer that rejects a plan early does not read the rest of it
  channel.end(bytes);
  const [frames, stdout, [exitCode]] = await Promise.all([
    framesUntilClosed(channel),
    buffer(child.stdout as Readable),
    once(child, 'exit'),
  ]);
  return { frames, exitCode: exitCode as number | null, stdout: stdout.toString() };
}

/** Connects to a launcher's socket. */
export async function dial(path: string): Promise<Socket> {
  const socket = connect(path);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** Everything that the other side sends until it closes. */
export async function framesUntilClosed(socket: Socket): Promise<Frame[]> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve) => socket.once('close', resolve));
  return framesOf(Buffer.concat(chunks));
}
