/**
 * results/RUN/: the facts of one run. Rows are appended as they happen; nothing else in the folder grows.
 *
 * What survives what: the rows of a trial are given to the kernel in one write before the next trial starts, so they
 * survive vlab's own death at any moment. They are forced to the disk (fdatasync(2)) at the end, and after each block when
 * that was not done within the last second: a power cut loses at most the last second, or the block it happened in. A
 * trial that does not fit on the disk is taken back whole.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, type FileHandle, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { errnoOf, messageOf, VlabError } from '../base/errors.js';
import { makeOwnedDir, ownedBySudoCaller } from '../base/owner.js';
import type { Manifest } from './manifest.js';
import { mendRows } from './mend-rows.js';
import type { Row } from './row.js';
import { encodeRows, ROWS_HEADER } from './row-csv.js';
import { lockRun } from './run-lock.js';

/** Where rows go. A run on disk is one; a test may collect them in memory. */
export interface RowSink {
  /** Writes all the rows of one trial, or none of them. */
  append(rows: readonly Row[]): Promise<void>;
  /** Called between blocks, when a little time more disturbs nobody. */
  blockEnded(): Promise<void>;
  /** Called at the end. */
  sync(): Promise<void>;
}

export const RUN_FILES = {
  scenario: 'scenario.yaml',
  manifest: 'manifest.json',
  trials: 'trials.csv',
  summary: 'summary.csv',
  torn: 'torn.txt',
} as const;

const SYNC_EVERY_MS = 1000;

export class RunFolder implements RowSink, AsyncDisposable {
  private syncedAtMs = performance.now();

  private constructor(
    readonly dir: string,
    private readonly lock: AsyncDisposable,
    private readonly trials: FileHandle,
    /** Bytes of trials.csv that hold whole trials. */
    private goodBytes: number,
    /** Rows found when the run was opened again. */
    readonly earlierRows: readonly Row[],
  ) {}

  /** The run id: UTC time, scenario, four random digits. Sorts by time; a folder that exists is never used again. */
  get run(): string {
    return basename(this.dir);
  }

  /** Makes the folder of a new run, with an empty table. */
  static async create(resultsDir: string, scenarioName: string, now = new Date()): Promise<RunFolder> {
    return await saving(resultsDir, async () => {
      makeOwnedDir(resultsDir);
      const dir = await makeRunDir(resultsDir, scenarioName, now);
      const lock = await lockRun(dir);
      const trials = await open(join(dir, RUN_FILES.trials), 'ax');
      ownedBySudoCaller(join(dir, RUN_FILES.trials));
      const folder = new RunFolder(dir, lock, trials, 0, []);
      await folder.write(ROWS_HEADER);
      return folder;
    });
  }

  /**
   * Opens a run to go on with it. A tail that was torn by a kill or a power cut is moved to torn.txt. Throws an `operation`
   * error while another vlab writes to it.
   */
  static async resume(dir: string): Promise<RunFolder> {
    const lock = await lockRun(dir);
    try {
      return await saving(dir, async () => {
        const path = join(dir, RUN_FILES.trials);
        const { rows, goodBytes, torn } = mendRows(await readFile(path).catch(emptyIfMissing));
        if (torn.length > 0) {
          await appendFile(join(dir, RUN_FILES.torn), Buffer.concat([torn, Buffer.from('\n')]));
          ownedBySudoCaller(join(dir, RUN_FILES.torn));
        }
        const trials = await open(path, 'a');
        ownedBySudoCaller(path);
        await trials.truncate(goodBytes);
        const folder = new RunFolder(dir, lock, trials, goodBytes, rows);
        if (goodBytes === 0) await folder.write(ROWS_HEADER);
        return folder;
      });
    } catch (error) {
      await lock[Symbol.asyncDispose]();
      throw error;
    }
  }

  async append(rows: readonly Row[]): Promise<void> {
    await saving(this.dir, () => this.write(encodeRows(rows)));
  }

  async blockEnded(): Promise<void> {
    if (performance.now() - this.syncedAtMs >= SYNC_EVERY_MS) await this.sync();
  }

  async sync(): Promise<void> {
    await saving(this.dir, () => this.trials.datasync());
    this.syncedAtMs = performance.now();
  }

  /** Replaces a file of the folder in one step: a reader sees the old text or the new one. */
  async replace(name: string, text: string): Promise<void> {
    await saving(this.dir, () => replaceFile(join(this.dir, name), text));
  }

  async writeManifest(manifest: Manifest): Promise<void> {
    await this.replace(RUN_FILES.manifest, `${JSON.stringify(manifest, undefined, 2)}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.trials.close();
    await this.lock[Symbol.asyncDispose]();
  }

  private async write(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    try {
      for (let done = 0; done < bytes.length; ) done += (await this.trials.write(bytes, done)).bytesWritten;
    } catch (error) {
      // A part of a trial is no use to anybody; shrinking a file needs no space.
      await this.trials.truncate(this.goodBytes);
      throw error;
    }
    this.goodBytes += bytes.length;
  }
}

/** Finds the folder of a run from what a person types: a path, an id, a part of an id that only one run has, or `latest`. */
export async function findRun(resultsDir: string, word: string): Promise<string> {
  if (word.includes('/') || existsSync(join(word, RUN_FILES.manifest))) {
    if (existsSync(join(word, RUN_FILES.manifest))) return resolve(word);
    throw new VlabError('input', `${word} is no run: there is no ${RUN_FILES.manifest} in it`);
  }
  const runs = (await readdir(resultsDir).catch(() => [] as string[]))
    .filter((name) => existsSync(join(resultsDir, name, RUN_FILES.manifest)))
    .sort();
  const found =
    word === 'latest' ? runs.slice(-1) : runs.includes(word) ? [word] : runs.filter((name) => name.includes(word));
  if (found.length === 1) return resolve(resultsDir, found[0] as string);
  if (found.length > 1) {
    throw new VlabError('input', `${found.length} runs in ${resultsDir} have \`${word}\` in their name`, {
      hint: `name one of them: ${found.slice(-5).join(', ')}`,
    });
  }
  throw new VlabError('input', `there is no run \`${word}\` in ${resultsDir}`, {
    hint:
      runs.length === 0 ? 'no run is there yet; --results DIR names another folder' : `the latest is ${runs.at(-1)}`,
  });
}

/** Reads a manifest. Throws an `input` error when it is missing, is no JSON, or is from a vlab with another format. */
export async function readManifest(dir: string): Promise<Manifest> {
  const path = join(dir, RUN_FILES.manifest);
  let manifest: Manifest;
  try {
    manifest = JSON.parse(await readFile(path, 'utf8')) as Manifest;
  } catch (cause) {
    throw new VlabError('input', `${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
  if (manifest.format !== 1) {
    throw new VlabError('input', `${path} has format ${String(manifest.format)}; this vlab reads format 1`);
  }
  return manifest;
}

/** The rows of a run, without a tail that is still being written or was torn. */
export async function readRows(dir: string): Promise<Row[]> {
  return mendRows(await readFile(join(dir, RUN_FILES.trials)).catch(emptyIfMissing)).rows;
}

async function makeRunDir(resultsDir: string, scenarioName: string, now: Date): Promise<string> {
  const stamp = now
    .toISOString()
    .replace(/[-:]|\..*/g, '')
    .replace('T', '-');
  for (;;) {
    const dir = resolve(resultsDir, `${stamp}-${scenarioName}-${randomBytes(2).toString('hex')}`);
    try {
      await mkdir(dir);
      return ownedBySudoCaller(dir);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  }
}

async function replaceFile(path: string, text: string): Promise<void> {
  const next = join(dirname(path), `.${basename(path)}.next`);
  try {
    const file = await open(next, 'w');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    ownedBySudoCaller(next);
    await rename(next, path);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  }
}

/** Says what a failed write means for the person and for the rows. */
async function saving<T>(dir: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      const what = code === 'ENOSPC' ? 'the disk is full' : 'your disk quota is used up';
      throw new VlabError('operation', `${what} (${code}) while writing to ${dir}`, {
        hint: `the rows so far are whole; make room and go on with: vlab bench --resume ${basename(dir)}`,
        cause: error,
      });
    }
    if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM' || code === 'ENOTDIR') {
      throw new VlabError('input', `${dir} cannot be written: ${messageOf(error)}`, {
        hint: 'name a folder of your own with --results DIR',
        cause: error,
      });
    }
    throw error;
  }
}

function emptyIfMissing(error: unknown): Buffer {
  if (errnoOf(error) === 'ENOENT') return Buffer.alloc(0);
  throw error;
}
