/** What a build prints while it goes on: docker's plain progress. */
import { Writable } from 'node:stream';
import type { BuildEvent } from '../../build/build-image.js';
import { printable, printableLines } from '../format/terminal-text.js';

export interface ShownBuild {
  tell: (event: BuildEvent) => void;
  /** For what the commands of RUN print. */
  output: Writable;
}

export function showBuild(stream: NodeJS.WritableStream | undefined): ShownBuild {
  let number = 0;
  const write = (text: string) => void stream?.write(`${text}\n`);
  const lines = new LineWriter((line) => write(`#${number} ${line}`));
  return {
    output: lines,
    tell(event) {
      switch (event.kind) {
        case 'step':
          number = event.number;
          return write(`#${number} [${event.stage} ${number}/${event.of}] ${printable(event.text)}`);
        case 'warning':
          return write(`[Warning] ${printable(event.text)}`);
        default:
          lines.flush();
          return write(`#${event.number} ${event.kind === 'cached' ? 'CACHED' : 'DONE'}`);
      }
    },
  };
}

/** Whole lines, in the order in which they come, without what could move a cursor. */
class LineWriter extends Writable {
  #rest = '';

  constructor(private readonly line: (text: string) => void) {
    super({ decodeStrings: true });
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    const parts = (this.#rest + chunk.toString('utf8')).split('\n');
    this.#rest = parts.pop() ?? '';
    for (const part of parts) this.line(printableLines(part.replace(/\r$/, '')));
    done();
  }

  flush(): void {
    if (this.#rest !== '') this.line(printableLines(this.#rest));
    this.#rest = '';
  }
}
