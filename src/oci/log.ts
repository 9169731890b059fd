/** The log that callers parse: lines of JSON with level, msg and time, or logrus' text (`time="…" level=error msg="…"`). */
import { appendFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Flags } from './command-line.js';

export type Level = 'error' | 'warning' | 'debug';

export interface Log {
  /** Appends a line to the log file, if one is asked for. */
  write(level: Level, message: string): void;
  /** What belongs on standard error, which is the container's own: a warning only where no log file takes it. */
  toStderr(level: Level, message: string): string;
}

export function logOf(flags: Flags, cwd: string): Log {
  const path = flags.string('log');
  const json = flags.string('log-format') === 'json';
  const format = (level: Level, msg: string): string => {
    const time = new Date().toISOString();
    return json
      ? `${JSON.stringify({ level, msg, time })}\n`
      : `time=${JSON.stringify(time)} level=${level} msg=${JSON.stringify(msg)}\n`;
  };
  return {
    write(level, message) {
      if (path === undefined || path === '' || (level === 'debug' && !flags.has('debug'))) return;
      appendFileSync(resolve(cwd, path), format(level, message), { mode: 0o644 });
    },
    toStderr(level, message) {
      if (path && level !== 'error') return '';
      return path === undefined && json ? format(level, message) : `${message}\n`;
    },
  };
}
