/** A vlab of an ordinary user on the host of a Ground: directories of that user's, an image of busybox, and the commands. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Ground } from './ground.js';

const REPOSITORY = resolve(import.meta.dirname, '../../..');
const APPLETS = ['sh', 'cat', 'ip', 'nc', 'sleep', 'true'];
const runFile = promisify(execFile);

export class UserRoom implements AsyncDisposable {
  private constructor(
    private readonly uid: number,
    private readonly folder: string,
    /** Holds the mount namespace that the commands are in, in the host's network. */
    private readonly holder: number,
  ) {}

  static async open(ground: Ground, uid: number): Promise<UserRoom> {
    const folder = join(ground.folder, 'u');
    const own = ['home', 'root', 'root/bin'].map((name) => join(folder, name));
    for (const path of [folder, join(folder, 'vlab'), join(folder, 'net'), ...own])
      mkdirSync(path, { recursive: true });
    for (const path of [folder, ...own]) chownSync(path, uid, uid);
    cpSync('/bin/busybox', join(folder, 'root/bin/busybox'));
    chmodSync(join(folder, 'root/bin/busybox'), 0o755);
    for (const name of APPLETS) symlinkSync('busybox', join(folder, 'root/bin', name));
    // The repository may be where only root gets, and this machine's /dev/net/tun root's alone.
    const script = `mount --bind ${REPOSITORY} ${folder}/vlab; mount -t tmpfs none /dev/net
      mknod /dev/net/tun c 10 200; chmod 666 /dev/net/tun; echo up; exec sleep 1200`;
    const child = spawn('nsenter', [`--net=${ground.host.namespace}`, 'unshare', '-m', 'sh', '-ec', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const room = new UserRoom(uid, folder, child.pid as number);
    await room.run(
      'sh',
      '-c',
      `tar -C ${folder}/root -c . | "$0" ${folder}/vlab/bin/vlab.cjs import - busybox`,
      process.execPath,
    );
    return room;
  }

  /** What it prints. Error: it fails. */
  vlab(...words: string[]): Promise<string> {
    return this.run(process.execPath, join(this.folder, 'vlab/bin/vlab.cjs'), ...words);
  }

  private async run(...words: string[]): Promise<string> {
    const { folder, uid } = this;
    const env = {
      PATH: process.env.PATH,
      HOME: join(folder, 'home'),
      ...{ VLAB_DATA_DIR: join(folder, 'd'), VLAB_RUN_DIR: join(folder, 'r'), VLAB_CACHE_DIR: join(folder, 'c') },
    };
    const user = ['setpriv', '--reuid', String(uid), '--regid', String(uid), '--clear-groups'];
    const command = ['--target', String(this.holder), '--mount', '--net', ...user, ...words];
    try {
      return (await runFile('nsenter', command, { env, timeout: 20_000 })).stdout;
    } catch (error) {
      throw new Error((error as { stderr?: string }).stderr || String(error));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ids = (await this.vlab('ps', '-aq')).split('\n').filter(Boolean);
    if (ids.length > 0) await this.vlab('rm', '-f', ...ids);
    await this.vlab('clean');
    process.kill(this.holder, 'SIGKILL');
  }
}
