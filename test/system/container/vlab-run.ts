/** `vlab run` as a person types it, with a root file system of the test's own. Needs the built dist/ (npm test builds it). */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { nativeBinary } from '../../../src/sys/native.js';
import { membersOf } from '../../../src/sys/remove-cgroup.js';
import { type MachineState, machineState } from '../../conformance/machine-state.js';
import { isRoot, needs } from '../../skips.js';
import { childrenOf, until } from '../sys/own-launcher.js';

export const BIN = resolve(import.meta.dirname, '../../../bin/vlab.cjs');

/** A directory with the probe and nothing that vlab mounts upon, but what `directories` names. Everybody may read it. */
export async function ownRootfs(directories: readonly string[] = ['proc', 'sys', 'dev', 'tmp']): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), 'vlab-rootfs-'));
  chmodSync(root, 0o755);
  copyFileSync(await nativeBinary('probe'), join(root, 'probe'));
  for (const name of directories) mkdirSync(join(root, name));
  return root;
}

export interface RunOptions {
  input?: string | Uint8Array;
  env?: NodeJS.ProcessEnv;
  /** A command to run it under. */
  wrapper?: readonly string[];
}

export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A `vlab run` under way. */
export class Running {
  readonly finished: Promise<Finished>;
  private seen = '';

  constructor(readonly child: ChildProcess) {
    child.stdout?.on('data', (chunk: Buffer) => {
      this.seen += chunk.toString('latin1');
    });
    this.finished = Promise.all([
      buffer(child.stdout as Readable),
      buffer(child.stderr as Readable),
      once(child, 'close'),
    ]).then(([stdout, stderr]) => ({
      code: child.exitCode,
      stdout: stdout.toString(),
      stderr: stderr.toString(),
    }));
  }

  /** Waits for that text on standard output. */
  async says(text: string): Promise<void> {
    await until(
      () => this.seen.includes(text),
      `it says ${JSON.stringify(text)}, not only ${JSON.stringify(this.seen)}`,
      10_000,
    );
  }

  /** The container's first process, as the host sees it. Valid once the program runs. */
  firstProcess(): number {
    const [performer = 0] = childrenOf(this.child.pid ?? 0);
    const [first = 0] = childrenOf(performer);
    return first;
  }
}

/** Starts `vlab run` with these words. */
export function startRun(words: readonly string[], options: RunOptions = {}): Running {
  const [command = '', ...args] = [...(options.wrapper ?? []), process.execPath, BIN, 'run', ...words];
  const child = spawn(command, args, {
    cwd: directoryFor(words),
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  child.stdin?.on('error', () => {}); // a program that reads nothing closes it
  child.stdin?.end(options.input ?? '');
  return new Running(child);
}

/** The root file system's own directory, by which leftovers are known. */
function directoryFor(words: readonly string[]): string {
  const rootfs = words[words.indexOf('--rootfs') + 1] ?? '/';
  return existsSync(rootfs) ? rootfs : '/';
}

/** Runs the probe in `rootfs` to its end. `flags`: what stands before the command. */
export async function runProbe(
  rootfs: string,
  flags: readonly string[],
  words: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  return startRun(['--rootfs', rootfs, ...flags, '--', '/probe', ...words], options).finished;
}

export function removeRootfs(root: string): void {
  rmSync(root, { recursive: true });
}

/**
 * Remembers the machine as it is; the result looks again and throws when something of this test's is left: a mount, a link,
 * a file in the run directory, an empty cgroup, a process that works or has its root in `rootfs`.
 */
export function expectNothingNew(rootfs: string): () => Promise<void> {
  const known = new Set(thingsOf(machineState(), rootfs));
  const fresh = () => thingsOf(machineState(), rootfs).filter((thing) => !known.has(thing));
  return async () => {
    let left = fresh();
    for (const began = Date.now(); left.length > 0 && Date.now() - began < 2000; left = fresh()) await sleep(20);
    if (left.length > 0) throw new Error(`left behind:\n${left.join('\n')}`);
  };
}

/**
 * Gives the file's tests a root file system of their own. After each, no mount, cgroup, process, link or file of it may be
 * left.
 */
export function withRootfs(use: (rootfs: string) => void): void {
  let rootfs: string;
  let leftovers: () => Promise<void>;
  beforeAll(async () => {
    rootfs = await ownRootfs();
    leftovers = expectNothingNew(rootfs);
    use(rootfs);
  });
  beforeEach((context) => needs(context, 'root', isRoot));
  afterEach(() => leftovers());
  afterAll(() => removeRootfs(rootfs));
}

/** Other runs of vlab on the machine come and go; a cgroup with processes in it is theirs. */
function thingsOf(state: MachineState, rootfs: string): string[] {
  const cgroups = state.cgroups.filter((directory) => membersOf(directory).length === 0);
  return Object.entries({ ...state, cgroups, processes: processesOf(rootfs) }).flatMap(
    ([kind, things]: [string, string[]]) => things.map((thing) => `${kind}: ${thing}`),
  );
}

/** Processes of any kind: vlab, performers and relays keep the directory they were started in. */
function processesOf(rootfs: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return (
        readlinkSync(`/proc/${pid}/cwd`) === rootfs ||
        readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(` ${rootfs} / `)
      );
    } catch {
      return false; // no process, or gone meanwhile
    }
  });
}
