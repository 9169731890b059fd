/** Entries of a log as they were said: each stream to its own, parts of lines together. */
import { once } from 'node:events';
import type { LogEntry } from '../../engine/logs/log-line.js';

export class LogPrinter {
  /** The stream's last entry was only a part of a line. */
  private readonly within = { stdout: false, stderr: false };

  constructor(
    private readonly stdout: NodeJS.WritableStream,
    private readonly stderr: NodeJS.WritableStream,
    private readonly timestamps: boolean,
  ) {}

  /** Resolves when the readers have room again. The order between the streams is kept. */
  async print(entries: readonly LogEntry[]): Promise<void> {
    let parts: Buffer[] = [];
    let last: LogEntry['stream'] = 'stdout';
    for (const { time, stream, partial, text } of entries) {
      if (stream !== last) {
        await write(this[last], parts);
        parts = [];
        last = stream;
      }
      if (this.timestamps && !this.within[stream]) parts.push(Buffer.from(`${time} `));
      parts.push(text);
      if (!partial) parts.push(LINE_FEED);
      this.within[stream] = partial;
    }
    await write(this[last], parts);
  }
}

const LINE_FEED = Buffer.from('\n');

async function write(to: NodeJS.WritableStream, parts: Buffer[]): Promise<void> {
  if (parts.length > 0 && !to.write(Buffer.concat(parts))) await once(to, 'drain');
}
