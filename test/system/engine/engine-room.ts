/** A vlab of its own for a test: directories, a network namespace, an image of busybox, and the commands. */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { isRoot, needs } from '../../skips.js';

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

const VLAB = join(import.meta.dirname, '../../../bin/vlab.cjs');
const APPLETS = [
  'sh',
  'sleep',
  'cat',
  'echo',
  'ls',
  'id',
  'ip',
  'true',
  'false',
  'hostname',
  'touch',
  'test',
  'kill',
  'rm',
  'dd',
];

export class EngineRoom implements AsyncDisposable {
  readonly dir = mkdtempSync('/tmp/vlab-er-');
  readonly data = join(this.dir, 'd');
  /** A directory that holds busybox. */
  readonly root = join(this.dir, 'root');

  /** `place`: a program that executes each command, such as nsenter(1), and its words. */
  constructor(private readonly place: readonly string[] = []) {
    mkdirSync(join(this.root, 'bin'), { recursive: true });
    for (const name of ['proc', 'sys', 'dev', 'tmp']) mkdirSync(join(this.root, name));
    cpSync('/bin/busybox', join(this.root, 'bin/busybox'));
    for (const name of APPLETS) symlinkSync('busybox', join(this.root, 'bin', name));
  }

  get env(): NodeJS.ProcessEnv {
    const { PATH, HOME, VLAB_CACHE_DIR } = process.env;
    return {
      PATH,
      HOME,
      VLAB_RUN_DIR: join(this.dir, 'r'),
      VLAB_DATA_DIR: this.data,
      ...(VLAB_CACHE_DIR ? { VLAB_CACHE_DIR } : {}),
    };
  }

  /** The command, running. */
  start(...words: string[]) {
    return this.startBy([], words);
  }

  vlab(...words: string[]): Promise<Ran> {
    return this.vlabBy([], ...words);
  }

  private startBy(by: readonly string[], words: readonly string[]) {
    const [program = '', ...rest] = [...this.place, ...by, process.execPath, VLAB, ...words];
    return spawn(program, rest, { env: this.env, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** `by`: a program that executes the command, such as unshare(1), and its words. */
  async vlabBy(by: readonly string[], ...words: string[]): Promise<Ran> {
    const child = this.startBy(by, words);
    const code = new Promise<number>((resolve) =>
      child.once('close', (exit, signal) => resolve(exit ?? (signal ? 128 : 0))),
    );
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { code: await code, stdout, stderr };
  }

  /** Error: it fails. */
  async done(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.vlab(...words);
    if (code !== 0) throw new Error(`vlab ${words.join(' ')} ended with ${code}: ${stderr}`);
    return stdout.trimEnd();
  }

  /** Makes the image `busybox` of the root. */
  importBusybox(): void {
    const tar = spawnSync('tar', ['-C', this.root, '-c', '.'], { maxBuffer: 1 << 26 });
    const ran = spawnSync(process.execPath, [VLAB, 'import', '-', 'busybox'], { env: this.env, input: tar.stdout });
    if (ran.status !== 0) throw new Error(`the image was not made: ${ran.stderr}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.vlab('keeper', 'stop');
    const ids = (await this.vlab('ps', '-aq', '--no-trunc')).stdout.split('\n').filter(Boolean);
    if (ids.length > 0) await this.vlab('rm', '-fv', ...ids);
    await this.vlab('clean');
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** One room for all tests of a file, which are skipped where there can be none. `image`: one of busybox is in it. */
export function withEngineRoom(take: (room: EngineRoom) => void, { image = true } = {}): void {
  const canBe = isRoot && existsSync('/bin/busybox');
  let room: EngineRoom | undefined;
  beforeAll(() => {
    if (!canBe) return;
    room = new EngineRoom();
    if (image) room.importBusybox();
    take(room);
  });
  afterAll(async () => await room?.[Symbol.asyncDispose]());
  beforeEach((context) => {
    needs(context, 'root', isRoot);
    needs(context, 'busybox-static', existsSync('/bin/busybox'));
  });
}
