/**
 * The end of a guest's output. A write to a virtio-serial port returns before the host has the bytes, so the guest's first
 * process marks the end of both outputs with a token that no program can guess, and does not power off until the host has
 * said that both have arrived.
 */
import { randomBytes } from 'node:crypto';
import { Transform } from 'node:stream';

export const TOKEN_BYTES = 16;

export function endToken(): Buffer {
  return randomBytes(TOKEN_BYTES);
}

/**
 * Passes bytes on until the token, which it swallows with all that follows; `ended` resolves then. Bytes are held back only
 * while they may be the token's beginning.
 */
export class UntilToken extends Transform {
  readonly ended: Promise<void>;
  private resolveEnded: () => void = () => {};
  private held: Buffer = Buffer.alloc(0);
  private over = false;

  constructor(private readonly token: Buffer) {
    super();
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve;
    });
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (!this.over) this.passOn(this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]));
    done();
  }

  override _flush(done: () => void): void {
    if (!this.over && this.held.length > 0) this.push(this.held);
    done();
  }

  private passOn(bytes: Buffer): void {
    const at = bytes.indexOf(this.token);
    const keepFrom = at >= 0 ? at : bytes.length - beginningAtEnd(bytes, this.token);
    if (keepFrom > 0) this.push(bytes.subarray(0, keepFrom));
    if (at < 0) {
      this.held = Buffer.from(bytes.subarray(keepFrom));
      return;
    }
    this.over = true;
    this.push(null);
    this.resolveEnded();
  }
}

/** How many of the last bytes are a beginning of the token, but not all of it. */
function beginningAtEnd(bytes: Buffer, token: Buffer): number {
  for (let count = Math.min(token.length - 1, bytes.length); count > 0; count--) {
    if (bytes.subarray(bytes.length - count).equals(token.subarray(0, count))) return count;
  }
  return 0;
}
