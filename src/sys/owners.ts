/**
 * Who owns what vlab left on the machine. Before anything is made, a record in the run directory names its owner by
 * (pid, start time), which no reused pid can imitate; the owner removes record and things together. If it dies first, the
 * next vlab command finds a record without a living owner and removes the things itself, under a lock.
 */
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from '../base/errors.js';
import { privateDir, runDir } from '../base/paths.js';
import { hostArch } from './abi.js';
import { num } from './num.js';
import { performOnce } from './perform-once.js';
import { PlanBuilder } from './plan.js';
import { removeCgroup } from './remove-cgroup.js';

export interface Process {
  pid: number;
  /** Clock ticks since boot, proc_pid_stat(5) field 22. */
  startTime: string;
}

/** What one owner made. */
export interface Owned {
  /** Cgroup directories. */
  cgroups: string[];
  /** Files and directories, removed with all that is in them. In both lists `…/name*` stands for all that begin so. */
  paths: string[];
}

export interface OwnerRecord extends Owned {
  id: string;
  owner: Process;
  /** What is shown of it, where it is a thing that people ask for by its id. */
  container?: { pid: number; command: string[]; startedAt: string };
}

/** The start time of a running process, or undefined when there is none of that pid. */
export function startTimeOf(pid: number): string | undefined {
  return statFields(pid)?.[19];
}

/** The parent of a running process, or undefined when there is none of that pid. */
export function parentOf(pid: number): number | undefined {
  const parent = statFields(pid)?.[1];
  return parent === undefined ? undefined : Number(parent);
}

/** Its number in the pid namespace that it is in, which is the last of NSpid (proc_pid_status(5)). */
export function pidWithin(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^NSpid:.*?(\d+)$/m.exec(status)?.[1] ?? pid);
}

/** proc_pid_stat(5) from the third field on. */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name may hold spaces and parentheses: count from behind the last one.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** A process that has ended and waits for its parent to look (proc_pid_stat(5), state Z), or is gone. */
export function hasEnded({ pid, startTime }: Process): boolean {
  const fields = statFields(pid);
  return fields?.[19] !== startTime || fields[0] === 'Z' || fields[0] === 'X';
}

export function isAlive({ pid, startTime }: Process): boolean {
  return startTimeOf(pid) === startTime;
}

function ownersDir(): string {
  privateDir(runDir());
  const dir = join(runDir(), 'owners');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  return dir;
}

/** Where the record of an id is. */
export function ownerRecordPath(id: string): string {
  return join(runDir(), 'owners', `${id}.json`);
}

export interface Ownership extends AsyncDisposable {
  readonly id: string;
  /** Hands the things to another owner, which must be alive: a detached container's performer. */
  handTo(pid: number, container: OwnerRecord['container']): void;
  /** Removes the things, then the record. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Declares that process `pid` (default: this one) owns `owned`. Call it before making them. */
export function own(id: string, owned: Owned, pid: number = process.pid): Ownership {
  const path = join(ownersDir(), `${id}.json`);
  writeRecord(path, { id, owner: processOf(pid), ...owned });
  return {
    id,
    handTo: (other, container) =>
      writeRecord(path, { id, owner: processOf(other), ...owned, ...(container ? { container } : {}) }),
    async [Symbol.asyncDispose]() {
      await removeOwned(owned);
      rmSync(path, { force: true });
    },
  };
}

let me: Process | undefined;

/** This process as an owner. */
export function thisProcess(): Process {
  me ??= processOf(process.pid);
  return me;
}

export function processOf(pid: number): Process {
  return { pid, startTime: startTimeOf(pid) ?? '' };
}

/** By rename, so that a reader never sees half a record. */
function writeRecord(path: string, record: OwnerRecord): void {
  const partial = join(dirname(path), `.${basename(path)}.${process.pid}`);
  writeFileSync(partial, JSON.stringify(record), { mode: 0o600 });
  renameSync(partial, path);
}

/** All records, living and dead. A foreign file, or one whose writer died half-way, is reported as dead and owning nothing. */
export function listOwners(): (OwnerRecord & { alive: boolean; path: string })[] {
  const dir = ownersDir();
  return readdirSync(dir).flatMap((name) => {
    if (isBeingWritten(name)) return [];
    const path = join(dir, name);
    const record = readRecord(path);
    return record ? [{ ...record, alive: !hasEnded(record.owner), path }] : []; // a zombie does nothing any more
  });
}

/** A partial record, which its living writer is about to rename: a sweep must not take it from under its hands. */
function isBeingWritten(name: string): boolean {
  const [, pid] = /^\..*\.(\d+)$/.exec(name) ?? [];
  return pid !== undefined && startTimeOf(Number(pid)) !== undefined;
}

function readRecord(path: string): OwnerRecord | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as OwnerRecord;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined; // its owner has just removed it
    return { id: basename(path), owner: { pid: 0, startTime: '' }, cgroups: [], paths: [] };
  }
}

/**
 * Removes what dead owners left. Returns what was removed. Cheap when there is nothing: the lock is only taken for work.
 * A sweep that another process is doing at this moment is left to it.
 */
export async function sweepOwners(): Promise<OwnerRecord[]> {
  if (!listOwners().some(({ alive }) => !alive)) return [];
  const lock = openSync(join(runDir(), 'sweep.lock'), 'a', 0o600);
  try {
    if (!(await takeLock(lock))) return [];
    const dead = listOwners().filter(({ alive }) => !alive);
    for (const record of dead) {
      await removeOwned(record);
      rmSync(record.path, { force: true });
    }
    return dead;
  } finally {
    closeSync(lock);
  }
}

async function removeOwned(owned: Owned): Promise<void> {
  for (const directory of owned.cgroups.flatMap(expand)) await removeCgroup(directory);
  for (const path of owned.paths.flatMap(expand)) rmSync(path, { recursive: true, force: true });
}

function expand(pattern: string): string[] {
  if (!pattern.endsWith('*')) return [pattern];
  const parent = dirname(pattern);
  const prefix = basename(pattern).slice(0, -1);
  try {
    return readdirSync(parent)
      .filter((name) => name.startsWith(prefix))
      .map((name) => join(parent, name));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

const LOCK_EX_NB = num(6, 'LOCK_EX|LOCK_NB');

/**
 * flock(2) on an open descriptor of this process. Node has no flock; the lock belongs to the open file, which a one-step
 * plan shares for a moment, so it stays ours when that plan has ended. False: somebody else holds it.
 */
export async function takeLock(descriptor: number): Promise<boolean> {
  const b = new PlanBuilder(hostArch());
  const outcome = b.word('outcome');
  b.step('flock', [LOCK_FD, LOCK_EX_NB], 'take the lock', { result: outcome, tolerate: ['EAGAIN'] });
  b.reply(outcome, 8);
  const { reply } = await performOnce(b.build(), { descriptors: [descriptor] });
  return reply.readBigInt64LE(0) === 0n;
}

/** The first descriptor behind the channel. */
const LOCK_FD = num(4, 'lock');
