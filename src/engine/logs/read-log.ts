/** Reads a container's log, through rotations, and follows it while the container runs. */
import { closeSync, type FSWatcher, mkdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { type LogFile, NEWEST, openLogFile, openLogFiles, readAt, tailOffsets } from './log-files.js';
import { type LogEntry, parseLogLine } from './log-line.js';

export interface ReadLogOptions {
  /** Only entries of this time and later, and of this time and before (log-line.ts, logTime). */
  since?: string;
  until?: string;
  /** The last lines, counted before `since` and `until` choose; absent: all. */
  tail?: number;
  /** Goes on until this settles, and then to the end of what there is. */
  follow?: Promise<unknown>;
}

const PART_BYTES = 256 << 10;

/** Calls `onEntries` with what there is, in order; it is waited for. `logDir`: the directory, which may be missing. */
export async function readLog(
  logDir: string,
  options: ReadLogOptions,
  onEntries: (entries: LogEntry[]) => void | Promise<void>,
): Promise<void> {
  const { since, until, tail, follow } = options;
  const chosen = ({ time }: LogEntry) =>
    (since === undefined || time >= since) && (until === undefined || time <= until);
  using changes = follow ? new Changes(logDir, follow) : undefined; // before anything is read: nothing is missed
  const files = openLogFiles(logDir);
  const offsets = tail === undefined ? files.map(() => 0) : tailOffsets(files, tail);
  const open = files.map((file, index) => new LogTail(file, offsets[index] ?? 0));
  try {
    for (;;) {
      const over = changes === undefined || changes.over;
      for (let current = open[0]; current; current = open[0]) {
        // Looked at before the last read: what was written meanwhile is in the older file.
        const follower = open.length > 1 || rotated(logDir, open);
        for (let entries = current.read(); entries; entries = current.read()) {
          const some = entries.filter(chosen);
          if (some.length > 0) await onEntries(some);
          if (until !== undefined && (entries.at(-1)?.time ?? '') > until) return;
        }
        if (!follower) break;
        open.shift()?.close();
      }
      if (over) return;
      await changes.next();
      if (open.length === 0) rotated(logDir, open);
    }
  } finally {
    for (const file of open) file.close();
  }
}

/** Whether there are newer files than those that are open; they are opened then. */
function rotated(logDir: string, open: LogTail[]): boolean {
  const newest = openLogFile(join(logDir, NEWEST));
  if (!newest) return false;
  closeSync(newest.fd);
  const last = open.at(-1);
  if (last?.inode === newest.inode) return false;
  const all = openLogFiles(logDir);
  const known = all.findIndex(({ inode }) => inode === last?.inode);
  all.forEach((file, index) => {
    if (index <= known) closeSync(file.fd);
    else open.push(new LogTail(file, 0));
  });
  return all.length > known + 1;
}

/** One file that is read to where it ends now, and again later. */
class LogTail {
  private rest: Buffer = Buffer.alloc(0);

  constructor(
    private readonly file: LogFile,
    private position: number,
  ) {}

  get inode(): bigint {
    return this.file.inode;
  }

  /** Whole lines; undefined: none now. */
  read(): LogEntry[] | undefined {
    for (;;) {
      const part = readAt(this.file.fd, this.position, PART_BYTES);
      if (part.length === 0) return undefined;
      this.position += part.length;
      const bytes = this.rest.length > 0 ? Buffer.concat([this.rest, part]) : part;
      const end = bytes.lastIndexOf(0x0a) + 1;
      this.rest = bytes.subarray(end);
      if (end > 0) return linesOf(bytes.subarray(0, end));
    }
  }

  close(): void {
    closeSync(this.file.fd);
  }
}

function linesOf(bytes: Buffer): LogEntry[] {
  const entries: LogEntry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0x0a, at);
    const entry = parseLogLine(bytes.subarray(at, end));
    if (entry) entries.push(entry);
    at = end + 1;
  }
  return entries;
}

/** Changes of a directory (inotify(7)), and the end of what makes them. */
class Changes implements Disposable {
  over = false;
  private changed = false;
  private wake: () => void = () => {};
  private readonly watcher: FSWatcher;

  constructor(directory: string, end: Promise<unknown>) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.watcher = watch(directory, () => this.tell());
    const ended = () => {
      this.over = true;
      this.tell();
    };
    end.then(ended, ended);
  }

  /** Resolves when something has changed since it was called last. */
  async next(): Promise<void> {
    if (!this.changed) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    this.changed = false;
  }

  [Symbol.dispose](): void {
    this.watcher.close();
  }

  private tell(): void {
    this.changed = true;
    this.wake();
  }
}
