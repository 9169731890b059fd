/**
 * What goes over a container's attach socket: frames of a type (4 bytes), a length (4 bytes) and so many bytes, all
 * little-endian. vlab-keep.c has the other end. Pure.
 */

export const FRAME = {
  /** Client: bytes for standard input, or the terminal. */
  input: 0,
  /** To the client. A terminal's output is `stdout`. */
  stdout: 1,
  stderr: 2,
  /** Client: there is no more input. */
  inputEnd: 3,
  /** Client: rows and columns of its window, 4 bytes each. */
  size: 4,
  /** To the client: all output has been sent. */
  end: 5,
  /** Client, first: flags, 4 bytes. */
  hello: 6,
} as const;

/** Flags of `hello`. */
export const HELLO = {
  /** The container waits for this client; another one that falls behind is hung up on. */
  waits: 1,
  /** This client's end is the end of input, where input ends with the first client's. */
  gives: 2,
} as const;

const HEAD_BYTES = 8;

export function frame(type: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES + payload.length);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(payload.length, 4);
  bytes.set(payload, HEAD_BYTES);
  return bytes;
}

export function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => void bytes.writeUInt32LE(value, index * 4));
  return bytes;
}

/** Cuts a stream of bytes into frames. What is not whole yet is given on in parts: output need not wait for its frame's end. */
export class FrameReader {
  private head: Buffer = Buffer.alloc(0);
  private type = 0;
  private left = 0;

  constructor(private readonly onPart: (type: number, bytes: Buffer) => void) {}

  read(chunk: Buffer): void {
    for (let rest = chunk; rest.length > 0; ) {
      if (this.left > 0) {
        const part = rest.subarray(0, this.left);
        this.left -= part.length;
        rest = rest.subarray(part.length);
        this.onPart(this.type, part);
        continue;
      }
      const missing = HEAD_BYTES - this.head.length;
      this.head = Buffer.concat([this.head, rest.subarray(0, missing)]);
      rest = rest.subarray(missing);
      if (this.head.length < HEAD_BYTES) return;
      this.type = this.head.readUInt32LE(0);
      this.left = this.head.readUInt32LE(4);
      this.head = Buffer.alloc(0);
      if (this.left === 0) this.onPart(this.type, Buffer.alloc(0));
    }
  }
}
