/** Reads the marks port: a byte when the guest is up, a byte before the program runs, then the exit record. Pure. */
import { EXIT_RECORD_BYTES, type GuestEnd, MARK_EXEC, MARK_UP, readExitRecord } from './guest-ports.js';

export class Marks {
  up = false;
  exec = false;
  end: GuestEnd | undefined;
  /** The guest wrote something else; the text says what. */
  garbled: string | undefined;
  private record: Buffer = Buffer.alloc(0);

  take(chunk: Buffer): void {
    for (const byte of chunk) this.takeByte(byte);
  }

  private takeByte(byte: number): void {
    if (this.garbled !== undefined) return;
    const char = String.fromCharCode(byte);
    if (!this.up) {
      if (char === MARK_UP) this.up = true;
      else this.garbled = `the first mark is byte ${byte}`;
    } else if (!this.exec && this.record.length === 0 && char === MARK_EXEC) this.exec = true;
    else if (this.end) this.garbled = 'there is something after the exit record';
    else {
      this.record = Buffer.concat([this.record, Buffer.from([byte])]);
      if (this.record.length < EXIT_RECORD_BYTES) return;
      this.end = readExitRecord(this.record);
      if (!this.end) this.garbled = 'the exit record is malformed';
    }
  }
}
