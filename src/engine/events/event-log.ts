/**
 * Events as lines of JSON in files that only grow: who follows them reads on where they end. A line is appended by one write(2),
 * which no other comes between. A file that has become too long is put aside, and the oldest is forgotten.
 */
import { closeSync, fstatSync, openSync, renameSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../base/errors.js';
import { dataDir } from '../../base/paths.js';
import { locked, TOKEN } from '../../oci/lock.js';
import { makeDirectories, makeDirectoryWhole } from '../../oci/whole-directory.js';
import type { EngineEvent, EventType } from './event.js';

const MOST_BYTES = 4 << 20;

export function eventsDir(): string {
  return join(dataDir(), 'events');
}

/** The older one first. */
export function eventFiles(): [older: string, current: string] {
  return [join(eventsDir(), 'log.1'), join(eventsDir(), 'log')];
}

let lastNs = 0n;

/** Nanoseconds since 1970, each a later one: the clock has milliseconds, and several events may come in one. */
function nowNs(): string {
  const ns = BigInt(Date.now()) * 1_000_000n;
  lastNs = ns > lastNs ? ns : lastNs + 1n;
  return lastNs.toString();
}

/**
 * Writes down that something has happened. A disk that is full is no reason to fail: what happened has happened. Returns the
 * event.
 */
export function emitEvent(
  type: EventType,
  action: string,
  id: string,
  attributes: Record<string, string> = {},
): EngineEvent {
  const event: EngineEvent = { type, action, actor: { id, attributes }, timeNs: nowNs() };
  try {
    append(`${JSON.stringify(event)}\n`);
  } catch (error) {
    if (!['ENOSPC', 'EDQUOT', 'EROFS'].includes(errnoOf(error) ?? '')) throw error;
  }
  return event;
}

function append(line: string): void {
  const bytes = Buffer.from(line);
  const [, current] = eventFiles();
  const descriptor = openLog(current);
  try {
    writeSync(descriptor, bytes);
    if (fstatSync(descriptor).size <= MOST_BYTES) return;
  } finally {
    closeSync(descriptor);
  }
  void rotate().catch(() => {}); // the next one tries again
}

function openLog(path: string): number {
  try {
    return openSync(path, 'a', 0o600);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    makeDirectories(dataDir());
    makeDirectoryWhole({ root: dataDir(), name: 'events' }, (partial) => writeFileSync(join(partial, TOKEN), ''));
    return openSync(path, 'a', 0o600);
  }
}

async function rotate(): Promise<void> {
  await locked(eventsDir(), async () => {
    const [older, current] = eventFiles();
    if ((statSync(current, { throwIfNoEntry: false })?.size ?? 0) > MOST_BYTES) renameSync(current, older);
  });
}
