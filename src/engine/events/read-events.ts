/** Events that were written down, and those to come. */
import { closeSync, existsSync, type FSWatcher, fstatSync, openSync, readSync, statSync, watch } from 'node:fs';
import { errnoOf } from '../../base/errors.js';
import type { EngineEvent } from './event.js';
import { eventFiles, eventsDir } from './event-log.js';

const CHUNK_BYTES = 64 << 10;
/** inotify(7) tells of most; a look now and then is for a directory that it cannot watch, or that is not there yet. */
const SELDOM_MS = 500;

/** One file, read from where it was left; a line that is only half there waits for the rest of it. */
class LogFile {
  private at = 0;
  private rest = Buffer.alloc(0);

  constructor(readonly descriptor: number) {}

  *events(): Generator<EngineEvent> {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (;;) {
      const bytes = readSync(this.descriptor, chunk, 0, CHUNK_BYTES, this.at);
      if (bytes === 0) return;
      this.at += bytes;
      const text = Buffer.concat([this.rest, chunk.subarray(0, bytes)]);
      const end = text.lastIndexOf(10) + 1;
      this.rest = Buffer.from(text.subarray(end));
      for (const line of text.subarray(0, end).toString().split('\n')) {
        const event = parse(line);
        if (event) yield event;
      }
    }
  }

  /** It begins behind all that is there now. */
  skip(): void {
    this.at = fstatSync(this.descriptor).size;
  }

  isStill(path: string): boolean {
    const [own, there] = [fstatSync(this.descriptor), statSync(path, { throwIfNoEntry: false })];
    return own.ino === there?.ino && own.dev === there.dev;
  }
}

/** What a power failure has left of a line is no event. */
function parse(line: string): EngineEvent | undefined {
  if (line === '') return undefined;
  try {
    return JSON.parse(line) as EngineEvent;
  } catch {
    return undefined;
  }
}

function open(path: string): LogFile | undefined {
  try {
    return new LogFile(openSync(path, 'r'));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** All that are still kept, oldest first. */
export function* pastEvents(): Generator<EngineEvent> {
  for (const path of eventFiles()) {
    const file = open(path);
    if (!file) continue;
    try {
      yield* file.events();
    } finally {
      closeSync(file.descriptor);
    }
  }
}

/**
 * Those that come from now on, with `past` after those that are kept, until `signal`. None is left out in between, also where the
 * files change places.
 */
export async function* followEvents({
  past,
  signal,
}: {
  past: boolean;
  signal: AbortSignal;
}): AsyncGenerator<EngineEvent> {
  const [older, current] = eventFiles();
  const alarm = new Alarm(signal);
  let file = open(current);
  try {
    if (past) {
      const before = open(older);
      if (before && !(file && before.isStill(current))) yield* before.events();
      if (before) closeSync(before.descriptor);
    } else file?.skip();
    while (!signal.aborted) {
      alarm.look();
      if (file) yield* file.events();
      if (file && !file.isStill(current)) {
        yield* file.events(); // what came before it was put aside
        closeSync(file.descriptor);
        file = undefined;
      }
      file ??= open(current);
      if (file) yield* file.events();
      await alarm.ring();
    }
  } finally {
    if (file) closeSync(file.descriptor);
    alarm.stop();
  }
}

/** Rings when something has happened in the directory since it was last asked, and now and then. */
class Alarm {
  private watcher: FSWatcher | undefined;
  private rung = false;
  private wake: () => void = () => {};

  constructor(private readonly signal: AbortSignal) {
    signal.addEventListener('abort', this.now);
  }

  /** What happens from here on rings. */
  look(): void {
    this.rung = false;
    if (this.watcher || !existsSync(eventsDir())) return;
    this.watcher = watch(eventsDir(), this.now);
    this.watcher.on('error', this.now);
  }

  ring(): Promise<void> {
    if (this.rung || this.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, SELDOM_MS);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private readonly now = (): void => {
    this.rung = true;
    this.wake();
  };

  stop(): void {
    this.watcher?.close();
    this.signal.removeEventListener('abort', this.now);
  }
}
