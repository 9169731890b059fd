/**
 * How a run ended, as its monitor writes it into the container's file `exit`: a plan has no text to make, so the file holds what
 * the kernel told, as it told it. All numbers are little-endian.
 *
 *   0    128  who it was: JSON (`pid`, `startTime`, `bootId`), then spaces
 *   128   16  when its program began: struct timespec of CLOCK_REALTIME
 *   144   16  when it had ended
 *   160  128  siginfo of waitid(2)
 *   288  256  of its memory cgroup: memory.oom_control (version 1) or memory.events (version 2), then zeros
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../base/errors.js';
import { exitCodeOf } from '../../container/foreground-steps.js';
import { ABI } from '../../sys/abi.js';
import { CONTAINER_FILES } from '../record/container-files.js';
import type { BootProcess } from '../record/container-state.js';
import type { ContainerEnd } from './start-request.js';

export const EXIT_RECORD = { owner: 128, time: 16, siginfo: 128, oom: 256 } as const;
const STARTED_AT = EXIT_RECORD.owner;
export const FINISHED_AT = STARTED_AT + EXIT_RECORD.time;
const SIGINFO_AT = FINISHED_AT + EXIT_RECORD.time;
const OOM_AT = SIGINFO_AT + EXIT_RECORD.siginfo;
export const EXIT_RECORD_BYTES = OOM_AT + EXIT_RECORD.oom;

/** The record's first part, which the caller of a start answers to `born`. */
export function exitOwner(init: BootProcess): Buffer {
  const text = JSON.stringify({ pid: init.pid, startTime: init.startTime, bootId: init.bootId });
  return Buffer.from(text.padEnd(EXIT_RECORD.owner));
}

/** Error: RangeError for bytes that are no whole record. */
export function parseExitRecord(bytes: Buffer): ContainerEnd {
  if (bytes.length < EXIT_RECORD_BYTES) throw new RangeError('the record of an end is not whole');
  const siginfo = bytes.subarray(SIGINFO_AT, OOM_AT);
  const oom = bytes.toString('latin1', OOM_AT, EXIT_RECORD_BYTES);
  const ended = siginfo.readInt32LE(8) !== ABI.CLD_EXITED;
  return {
    exitCode: exitCodeOf(siginfo),
    ...(ended ? { signal: siginfo.readInt32LE(24) } : {}),
    oomKilled: Number(/^oom_kill (\d+)/m.exec(oom)?.[1] ?? 0) > 0,
    startedAtNs: timeAt(bytes, STARTED_AT),
    finishedAtNs: timeAt(bytes, FINISHED_AT),
    init: JSON.parse(bytes.toString('utf8', 0, EXIT_RECORD.owner)) as BootProcess,
  };
}

const timeAt = (bytes: Buffer, at: number) => bytes.readBigInt64LE(at) * 1_000_000_000n + bytes.readBigInt64LE(at + 8);

/**
 * How the last run in the container's directory ended. Undefined: it has not, or nobody could write it down (its monitor was
 * killed, or the machine went down); compare `init` with the run that is meant.
 */
export function readExit(dir: string): ContainerEnd | undefined {
  try {
    return parseExitRecord(readFileSync(join(dir, CONTAINER_FILES.exit)));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || error instanceof RangeError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
