/** The keys by which a person leaves a container that goes on running; docker's `--detach-keys`. Pure. */
import { VlabError } from '../../base/errors.js';

export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q';

/** `ctrl-p,ctrl-q` → the bytes that a terminal sends for them. Error (`input`): a word that is no key. */
export function parseDetachKeys(text: string): Buffer {
  if (text === '') return Buffer.alloc(0);
  return Buffer.from(text.split(',').map((key) => byteOf(key, text)));
}

function byteOf(key: string, text: string): number {
  const [, letter] = /^ctrl-([a-z@[\\\]^_])$/i.exec(key) ?? [];
  if (letter !== undefined) return letter.toUpperCase().charCodeAt(0) & 0x1f;
  if (/^[\x21-\x7e]$/.test(key)) return key.charCodeAt(0);
  throw new VlabError('input', `--detach-keys ${text}: ${JSON.stringify(key)} is no key`, {
    hint: 'write keys with commas between them: a letter, or ctrl- and a letter, @, [, \\, ], ^ or _',
  });
}

/** Looks for the keys in what is typed. Keys that turn out to be something else are passed on late, but are not lost. */
export class DetachWatch {
  private seen = 0;

  constructor(private readonly keys: Buffer) {}

  /** What may be passed on; `detach`: all keys have been typed, and what came after them is nobody's. */
  read(chunk: Buffer): { pass: Buffer; detach: boolean } {
    const { keys } = this;
    if (keys.length === 0) return { pass: chunk, detach: false };
    const pass: number[] = [];
    for (const byte of chunk) {
      if (byte !== keys[this.seen] && this.seen > 0) {
        pass.push(...keys.subarray(0, this.seen));
        this.seen = 0;
      }
      if (byte !== keys[this.seen]) pass.push(byte);
      else if (++this.seen === keys.length) return { pass: Buffer.from(pass), detach: true };
    }
    return { pass: Buffer.from(pass), detach: false };
  }
}
