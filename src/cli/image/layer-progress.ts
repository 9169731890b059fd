/**
 * Layers on their way. On a terminal each has a line with a bar, which is rewritten; elsewhere there is a line whenever one begins
 * and one is done. The words are docker's.
 */
import type { Descriptor } from '../../image/descriptor.js';
import { shortId } from '../../image/digest.js';
import { decimalSize } from '../format/human.js';

export interface LayerLine {
  descriptor: Descriptor;
  /** What is said of it: `Downloading`. */
  words: string;
  /** While it moves. */
  doneBytes?: number | undefined;
}

export interface LayerProgress extends Disposable {
  show(line: LayerLine): void;
}

interface Output {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
  rows?: number;
}

/** Fast enough for eyes. */
const EVERY_MS = 80;
const BAR = 30;

export function layerProgress(output: Output, now: () => number = () => performance.now()): LayerProgress {
  return output.isTTY && process.env.TERM !== 'dumb' ? new LiveLines(output, now) : new PlainLines(output);
}

class PlainLines implements LayerProgress {
  readonly #said = new Map<string, string>();

  constructor(readonly output: Output) {}

  show({ descriptor: { digest }, words, doneBytes }: LayerLine): void {
    if (doneBytes !== undefined || this.#said.get(digest) === words) return;
    this.#said.set(digest, words);
    this.output.write(`${shortId(digest)}: ${words}\n`);
  }

  [Symbol.dispose](): void {}
}

class LiveLines implements LayerProgress {
  readonly #lines = new Map<string, LayerLine>();
  #drawn = 0;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(
    readonly output: Output,
    readonly now: () => number,
  ) {}

  show(line: LayerLine): void {
    const before = this.#lines.get(line.descriptor.digest);
    this.#lines.set(line.descriptor.digest, line);
    const isMove = before?.words === line.words && line.doneBytes !== undefined;
    if (isMove && this.now() - this.#lastMs < EVERY_MS) return;
    this.#draw();
  }

  #draw(): void {
    this.#lastMs = this.now();
    // what does not fit cannot be rewritten: the last ones are what changes
    const lines = [...this.#lines.values()].slice(-Math.max(1, (this.output.rows ?? 24) - 2));
    const up = this.#drawn > 0 ? `\u001b[${this.#drawn}A` : '';
    const columns = this.output.columns ?? 80;
    this.output.write(`${up}${lines.map((line) => `\r\u001b[K${textOf(line).slice(0, columns - 1)}\n`).join('')}`);
    this.#drawn = lines.length;
  }

  /** The lines stay as they are now. */
  [Symbol.dispose](): void {
    if (this.#drawn > 0) this.#draw();
  }
}

/** `a1b2c3d4e5f6: Downloading [=====>     ]  1.2MB/3.4MB` */
export function textOf({ descriptor: { digest, size }, words, doneBytes }: LayerLine): string {
  const head = `${shortId(digest)}: ${words}`;
  if (doneBytes === undefined) return head;
  const share = size === 0 ? 1 : Math.min(1, doneBytes / size);
  const filled = Math.round(share * BAR);
  const bar = `${'='.repeat(Math.max(0, filled - 1))}${filled > 0 ? '>' : ''}`.padEnd(BAR);
  return `${head.padEnd(26)} [${bar}]  ${decimalSize(doneBytes)}/${decimalSize(size)}`;
}
