/** A place to build in: vlab's own directories, a context with a busybox, and buildah's storage beside it. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { findProgram } from '../../../src/base/find-program.js';

export const hasBuildah = ['buildah', 'skopeo', 'umoci'].every((name) => findProgram(name) !== undefined);
export const hasBusybox = findProgram('busybox') !== undefined;

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export class BuildRoom implements Disposable {
  readonly directory = mkdtempSync('/run/vb');
  readonly context = join(this.directory, 'context');
  readonly env: NodeJS.ProcessEnv;

  constructor() {
    const [run, data, cache] = ['r', 'd', 'c'].map((name) => join(this.directory, name)) as [string, string, string];
    const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
    this.env = { ...env, VLAB_RUN_DIR: run, VLAB_DATA_DIR: data, VLAB_CACHE_DIR: process.env.VLAB_CACHE_DIR ?? cache };
    mkdirSync(this.context);
    copyFileSync(findProgram('busybox') ?? '', join(this.context, 'busybox'));
  }

  /** A file of the context; what ends with a slash is a directory. */
  file(path: string, content = '', mode = 0o644): void {
    const place = join(this.context, path);
    mkdirSync(path.endsWith('/') ? place : dirname(place), { recursive: true });
    if (!path.endsWith('/')) writeFileSync(place, content, { mode });
  }

  link(path: string, target: string): void {
    symlinkSync(target, join(this.context, path));
  }

  dockerfile(...lines: string[]): void {
    writeFileSync(join(this.context, 'Dockerfile'), `${lines.join('\n')}\n`);
  }

  vlab(args: readonly string[], options: { input?: string | Buffer; env?: NodeJS.ProcessEnv } = {}): Ended {
    const { input = '', env = {} } = options;
    return this.run(process.execPath, [resolve('bin/vlab.cjs'), ...args], { input, env: { ...this.env, ...env } });
  }

  /** The id. RUN has no network: nothing of the host's is touched. */
  build(...args: string[]): string {
    const built = this.vlab(['build', '-q', '--network', 'none', '-t', 'built', ...args, this.context]);
    if (built.code !== 0) throw new Error(`vlab build failed: ${built.stderr}`);
    return built.stdout.trim();
  }

  run(
    program: string,
    args: readonly string[],
    options: { input?: string | Buffer; env?: NodeJS.ProcessEnv } = {},
  ): Ended {
    const ended = spawnSync(program, args, {
      ...{ cwd: this.directory, encoding: 'utf8', timeout: 60_000, maxBuffer: 64 << 20 },
      ...options,
    });
    return { code: ended.status, stdout: ended.stdout, stderr: ended.stderr };
  }

  mustRun(program: string, args: readonly string[]): string {
    const { code, stdout, stderr } = this.run(program, args);
    if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  /** What vlab built, as skopeo copies it to an OCI layout. */
  ofVlab(): BuiltTree {
    return this.unpacked('vlab', `oci:${join(this.directory, 'd', 'images')}:docker.io/library/built:latest`);
  }

  ofBuildah(...args: string[]): BuiltTree {
    const storage = [join(this.directory, 'bs'), join(this.directory, 'br')] as const;
    const where = ['--storage-driver', 'vfs', '--root', storage[0], '--runroot', storage[1]];
    const build = ['bud', '-q', '--format', 'docker', '--isolation', 'chroot', '--layers=false', '-t', 'built'];
    this.mustRun('buildah', [...where, ...build, ...args, this.context]);
    return this.unpacked('buildah', `containers-storage:[vfs@${storage.join('+')}]localhost/built:latest`);
  }

  private unpacked(name: string, source: string): BuiltTree {
    const layout = join(this.directory, `${name}-layout`);
    const bundle = join(this.directory, `${name}-bundle`);
    for (const path of [layout, bundle]) rmSync(path, { recursive: true, force: true });
    this.mustRun('skopeo', ['copy', '-q', source, `oci:${layout}:x`]);
    this.mustRun('umoci', ['unpack', '--image', `${layout}:x`, bundle]);
    const root = join(bundle, 'rootfs');
    const list = this.mustRun('find', [root, '-mindepth', '1', '-printf', '%P %y %m %U:%G %l\\n']);
    const sums = this.run('sh', ['-c', `cd '${root}' && find . -type f -exec sha256sum {} +`]).stdout;
    const config = JSON.parse(this.mustRun('skopeo', ['inspect', '--config', source]));
    return {
      files: list
        .split('\n')
        .filter((line) => line !== '' && !MADE_BY_RUN.test(line))
        .sort(),
      sums: sums
        .split('\n')
        .filter((line) => !MADE_BY_RUN.test(line))
        .sort(),
      config,
    };
  }

  read(path: string): string {
    return readFileSync(join(this.directory, path), 'utf8');
  }

  [Symbol.dispose](): void {
    for (const name of ['built', 'other']) this.vlab(['rmi', '-f', name]);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** What is mounted while a command runs leaves its place behind, in ways of each tool's own. */
const MADE_BY_RUN = /(^|\.\/)(etc\/(hosts|hostname|resolv\.conf|mtab)|proc|sys|dev|run|run\/\.containerenv|etc)( |$)/;

export interface BuiltTree {
  /** Path, kind, mode, owner and target of each. */
  files: string[];
  sums: string[];
  config: { config: Record<string, unknown>; history: { created_by: string }[]; [key: string]: unknown };
}
