/** The lines of a container's log, as docs/engine-files.md specifies them. Pure. */

export interface LogEntry {
  /** RFC 3339 in UTC, nine digits: as text it sorts as the times do. */
  time: string;
  stream: 'stdout' | 'stderr';
  /** The line goes on in the stream's next entry, or was never ended. */
  partial: boolean;
  text: Buffer;
}

const TIME_CHARACTERS = 30;
const TAG_AT = TIME_CHARACTERS + ' stdout '.length;
const TEXT_AT = TAG_AT + 2;
const PARTIAL = 'P'.charCodeAt(0);

/** A line without its line feed; undefined: it is none of a log. */
export function parseLogLine(line: Buffer): LogEntry | undefined {
  const head = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) (stdout|stderr) ([FP]) $/.exec(
    line.toString('latin1', 0, TEXT_AT),
  );
  if (!head) return undefined;
  const [, time = '', stream = 'stdout', tag] = head;
  return { time, stream: stream as LogEntry['stream'], partial: tag === 'P', text: line.subarray(TEXT_AT) };
}

/** Unix nanoseconds as the log's times, to compare them as texts. */
export function logTime(unixNs: bigint): string {
  const second = 1_000_000_000n;
  const rest = ((unixNs % second) + second) % second;
  const text = new Date(Number((unixNs - rest) / 1_000_000n)).toISOString();
  return `${text.slice(0, 19)}.${String(rest).padStart(9, '0')}Z`;
}

/**
 * Where the last `count` lines begin in what a file ends with; undefined: in an earlier part. `seen` counts on over parts that are
 * read from the file's end backwards; each begins at the beginning of a line.
 */
export function tailStart(part: Buffer, count: number, seen: { lines: number }): number | undefined {
  for (let end = part.length; end > 0; ) {
    const begin = part.lastIndexOf(0x0a, end - 2) + 1;
    // What is only a part of a line belongs to the next whole one.
    const whole = part[begin + TAG_AT] !== PARTIAL;
    if (whole || seen.lines === 0) {
      if (seen.lines === count) return end;
      seen.lines++;
    }
    if (begin === 0) return undefined;
    end = begin;
  }
  return undefined;
}
