/**
 * A person's terminal, or pipes, as a client of a container: raw mode and back, the window's size, signals that are passed on, and
 * the way out. What `run`, `start -a`, `attach` and `exec -t` have in common.
 */
import { spawnSync } from 'node:child_process';
import { VlabError } from '../../base/errors.js';
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../../engine/run/detach-keys.js';
import type { Attachment, AttachStreams, WindowSize } from '../../engine/run/start-request.js';

export interface SessionOptions {
  /** The program has a terminal. */
  tty: boolean;
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  /** `--detach-keys`; absent: docker's. */
  detachKeys?: string | undefined;
  /** The container waits for it (AttachStreams). */
  waits: boolean;
}

/** Signals that are passed on, as docker's --sig-proxy does. */
const FORWARDED = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGCONT', 'SIGTSTP'] as const;

export class Session implements Disposable {
  readonly streams: AttachStreams;
  private readonly undo: (() => void)[] = [];

  /** Errors (`input`): a terminal is asked for where there is none, and keys that are none. */
  constructor(private readonly options: SessionOptions) {
    const { tty, stdin, stdout, stderr, waits } = options;
    if (tty && stdin && !process.stdin.isTTY) {
      throw new VlabError('input', 'the input device is not a TTY', {
        hint: 'leave -t away where the input is a pipe or a file',
        exitCode: 1,
      });
    }
    const detachKeys = parseDetachKeys(options.detachKeys ?? DEFAULT_DETACH_KEYS);
    const size = tty ? windowSize() : undefined;
    this.streams = {
      waits,
      ...(stdin ? { stdin: process.stdin } : {}),
      ...(stdout ? { stdout: process.stdout } : {}),
      ...(stderr ? { stderr: process.stderr } : {}),
      // Who types nothing in raw mode cannot mean them.
      ...(tty && stdin ? { detachKeys } : {}),
      ...(size ? { size } : {}),
    };
  }

  /** The program runs. `signal`: passes one on to it, where that is wanted. */
  begin(attachment: Attachment, signal?: (name: NodeJS.Signals) => void): void {
    const { tty, stdin } = this.options;
    if (tty) this.keepSize(attachment);
    if (tty && stdin) this.makeRaw();
    if (signal) this.forward(signal);
  }

  private keepSize(attachment: Attachment): void {
    const onResize = () => {
      const size = windowSize();
      if (size) attachment.resize(size);
    };
    process.on('SIGWINCH', onResize);
    this.undo.push(() => void process.off('SIGWINCH', onResize));
    // It may have changed since the start was asked for. Nothing is sent in vain: of a program that has ended already, the output that
    // nobody has read yet would be lost with the connection.
    const [asked, now] = [this.streams.size, windowSize()];
    if (now && (now.rows !== asked?.rows || now.columns !== asked.columns)) attachment.resize(now);
  }

  private makeRaw(): void {
    const { stdin } = process;
    stdin.setRawMode(true);
    // Node leaves one thing on, by which a program's line feeds would go back to the left margin (termios(3), OPOST).
    spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] });
    const restore = () => void stdin.setRawMode(false);
    process.once('exit', restore);
    this.undo.push(() => {
      process.off('exit', restore);
      restore();
    });
  }

  private forward(signal: (name: NodeJS.Signals) => void): void {
    const listener = (name: NodeJS.Signals) => signal(name);
    for (const name of FORWARDED) process.on(name, listener);
    this.undo.push(() => {
      for (const name of FORWARDED) process.off(name, listener);
    });
  }

  [Symbol.dispose](): void {
    for (const step of this.undo.splice(0).reverse()) step();
  }
}

/** Of the terminal that is the output, or else the input. */
function windowSize(): WindowSize | undefined {
  const { stdout, stderr } = process;
  for (const stream of [stdout, stderr]) {
    if (!stream.isTTY) continue;
    const [columns, rows] = stream.getWindowSize();
    if (rows > 0 && columns > 0) return { rows, columns };
  }
  return undefined;
}

/** What docker's client says when the detach keys were typed. */
export function sayDetached(): void {
  process.stderr.write('read escape sequence\n');
}
