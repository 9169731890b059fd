/**
 * Network namespaces of a test: one as the host, one as the world outside of it, and one for each container, each held by a
 * process that ends with the test. Nothing of this machine's own network is touched.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import type { TestContext } from 'vitest';
import { findProgram } from '../../../src/base/find-program.js';
import type { Lease } from '../../../src/network/leases.js';
import { tableOf } from '../../../src/network/ruleset.js';
import { type Process, processOf } from '../../../src/sys/owners.js';
import { isRoot, needs } from '../../skips.js';

const ROOT = resolve(import.meta.dirname, '../../..');
const runFile = promisify(execFile);

const hasNft = findProgram('nft') !== undefined && findProgram('ip') !== undefined;
const hasBusybox = existsSync('/bin/busybox');
export const canRun = isRoot && hasNft && hasBusybox;

/** Skips the running test, by name, where no ground can be made. */
export function needGround(context: TestContext): void {
  needs(context, 'root', isRoot);
  needs(context, 'nftables', hasNft);
  needs(context, 'busybox-static', hasBusybox);
}

export interface Place {
  pid: number;
  owner: Process;
  namespace: string;
}

/** Says to each client which address it came from; binds no name of a host. */
const SERVER = (port: number) =>
  `require('net').createServer(s=>{s.on('error',()=>{});s.end(s.remoteAddress.replace('::ffff:',''))}).listen(${port},'::',()=>console.log('up'))`;

export class Ground implements AsyncDisposable {
  private readonly children: ChildProcess[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), 'vlab-n'));
  readonly data = join(this.folder, 'data');
  /** Of its rules. */
  readonly table = tableOf(this.data);
  host!: Place;
  outside!: Place;

  /** The host has 198.51.100.1 and 2001:db8::1 towards the outside, which has .2 and ::2, and no way back to any other. */
  static async start(): Promise<Ground> {
    const ground = new Ground();
    chmodSync(ground.folder, 0o755); // as /var/lib is: name servers read it without root
    await build({
      entryPoints: [join(import.meta.dirname, 'agent.ts')],
      outfile: join(ground.folder, 'agent.cjs'),
      ...{ bundle: true, platform: 'node', format: 'cjs', target: 'node20', external: ['koffi'], logLevel: 'warning' },
      define: { 'import.meta.url': JSON.stringify(`file://${join(ROOT, 'src/x.ts')}`) },
    });
    ground.host = await ground.place();
    ground.outside = await ground.place();
    const { host, outside } = ground;
    await ground.sh(
      host,
      `ip link set lo up; ip link add out0 type veth peer name out1 netns ${outside.pid}
       echo 0 > /proc/sys/net/ipv6/conf/out0/accept_dad
       ip address add 198.51.100.1/24 dev out0; ip address add 2001:db8::1/64 dev out0 nodad; ip link set out0 up
       echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding`,
    );
    await ground.sh(
      outside,
      `ip link set lo up; echo 0 > /proc/sys/net/ipv6/conf/out1/accept_dad
       ip address add 198.51.100.2/24 dev out1; ip address add 2001:db8::2/64 dev out1 nodad
       ip link set out1 up`,
    );
    // Neighbours are found once, before anything is tested that has a second for all.
    for (const address of ['198.51.100.2', '2001:db8::2']) {
      if (!(await ground.pings(host, address, 3))) throw new Error(`the host of the test does not reach ${address}`);
    }
    for (const address of ['198.51.100.1', '2001:db8::1']) await ground.pings(outside, address, 3);
    return ground;
  }

  /** A network namespace of its own, and a process in it. */
  async place(): Promise<Place> {
    const child = spawn('unshare', ['-n', 'sh', '-c', 'echo up; exec sleep 1200'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.children.push(child);
    await said(child);
    const pid = child.pid as number;
    return { pid, owner: processOf(pid), namespace: `/proc/${pid}/ns/net` };
  }

  /** One in a user namespace of that user's, who may open /dev/net/tun there. */
  async userPlace(uid: number): Promise<Place> {
    const script = `setpriv --reuid ${uid} --regid ${uid} --clear-groups unshare -Urn sh -c 'echo up; exec sleep 1200'`;
    const child = spawn('sh', ['-c', `exec ${script}`], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.children.push(child);
    await said(child);
    const pid = child.pid as number;
    return { pid, owner: processOf(pid), namespace: `/proc/${pid}/ns/net` };
  }

  /** The same as `call`, by a user, with directories of that user's. */
  async callAs<T>(uid: number, name: string, ...args: unknown[]): Promise<T> {
    const folder = join(this.folder, `user${uid}`);
    if (!existsSync(folder)) {
      mkdirSync(folder);
      chownSync(folder, uid, uid);
    }
    const env = {
      ...process.env,
      VLAB_DATA_DIR: join(folder, 'data'),
      VLAB_RUN_DIR: join(folder, 'run'),
      VLAB_CACHE_DIR: join(folder, 'cache'),
    };
    const words = [process.execPath, join(this.folder, 'agent.cjs'), name, ...args.map((arg) => JSON.stringify(arg))];
    // The node of this machine may be root's alone: another one is put in its place, in a mount namespace.
    const open = 'mount -t tmpfs none /dev/net; mknod /dev/net/tun c 10 200; chmod 666 /dev/net/tun';
    const user = ['setpriv', '--reuid', String(uid), '--regid', String(uid), '--clear-groups'];
    const command = [
      `--net=${this.host.namespace}`,
      'unshare',
      '-m',
      'sh',
      '-ec',
      `${open}; exec "$@"`,
      'sh',
      ...user,
      ...words,
    ];
    try {
      return JSON.parse((await runFile('nsenter', command, { env, timeout: 20_000 })).stdout) as T;
    } catch (error) {
      throw new Error((error as { stderr?: string }).stderr || String(error));
    }
  }

  /** Ends the process that holds it, with SIGKILL. */
  async end({ pid }: Place): Promise<void> {
    const child = this.children.find((one) => one.pid === pid);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await gone;
  }

  async sh(where: Place, script: string): Promise<string> {
    const { stdout } = await runFile('nsenter', [`--net=${where.namespace}`, 'sh', '-ec', script], { timeout: 10_000 });
    return stdout;
  }

  /** What the server there sees of a client here: its address. Undefined: no way. */
  async seen(from: Place, address: string, port: number): Promise<string | undefined> {
    const script = `/bin/busybox nc -w 1 ${address} ${port} </dev/null`;
    return this.sh(from, script).then(
      (text) => text.trim() || undefined,
      () => undefined,
    );
  }

  pings(from: Place, address: string, seconds = 1): Promise<boolean> {
    return this.sh(from, `/bin/busybox ping -c 1 -W ${seconds} ${address}`).then(
      () => true,
      () => false,
    );
  }

  async serve(where: Place, port: number): Promise<void> {
    await this.program(where, SERVER(port));
  }

  /** A program for Node, which says something when it is up; it ends with the test, or before. */
  async program(where: Place, text: string): Promise<AsyncDisposable> {
    const { child, ...started } = this.start(where, [process.execPath, '-e', text]);
    await said(child);
    return started;
  }

  /** Any program, which ends with the test, or before. */
  start(where: Place, words: readonly string[]): AsyncDisposable & { child: ChildProcess } {
    const child = spawn('nsenter', [`--net=${where.namespace}`, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.children.push(child);
    return { child, [Symbol.asyncDispose]: () => this.end({ pid: child.pid } as Place) };
  }

  /** A function of networks.ts or connect.ts on the host. Rejects with its message. */
  call<T>(name: string, ...args: unknown[]): Promise<T> {
    return this.callIn(this.data, name, ...args);
  }

  /** The same, with that data directory. */
  async callIn<T>(data: string, name: string, ...args: unknown[]): Promise<T> {
    const words = [join(this.folder, 'agent.cjs'), name, ...args.map((arg) => JSON.stringify(arg))];
    const env = { ...process.env, VLAB_DATA_DIR: data };
    try {
      const command = [`--net=${this.host.namespace}`, process.execPath, ...words];
      return JSON.parse((await runFile('nsenter', command, { env, timeout: 20_000 })).stdout) as T;
    } catch (error) {
      throw new Error((error as { stderr?: string }).stderr || String(error));
    }
  }

  /** The same, killed after so many milliseconds, unless it was done. */
  async kill(afterMs: number, name: string, ...args: unknown[]): Promise<void> {
    const words = [join(this.folder, 'agent.cjs'), name, ...args.map((arg) => JSON.stringify(arg))];
    const env = { ...process.env, VLAB_DATA_DIR: this.data };
    const command = [`--net=${this.host.namespace}`, process.execPath, ...words];
    await runFile('nsenter', command, { env, timeout: afterMs, killSignal: 'SIGKILL' }).catch(() => {});
  }

  /** A container on that network. */
  async connected(network: string, more: Record<string, unknown> = {}): Promise<Place & { lease: Lease }> {
    const place = await this.place();
    const { namespace, owner } = place;
    const request = { network, namespace, owner, device: 'eth0', isDefault: true, ...more };
    return { ...place, lease: await this.call<Lease>('connect', request) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Name servers end with the last container of their network.
    for (const child of this.children) if (child.pid !== this.host?.pid) await this.end({ pid: child.pid } as Place);
    if (this.host) await this.call('sweepNetworks').finally(() => this.end(this.host));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function said(child: ChildProcess): Promise<void> {
  await new Promise<void>((done, fail) => {
    child.stdout?.once('data', () => done());
    child.once('error', fail);
    child.once('exit', (code) => fail(new Error(`it ended with ${code} before it was up`)));
  });
}
