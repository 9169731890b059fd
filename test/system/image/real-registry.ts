/** docker-registry on loopback, with a certificate of its own and one user: what others take for a registry. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mustRun } from '../../../src/base/exec.js';
import { findProgram } from '../../../src/base/find-program.js';
import { endpointOf } from '../../../src/image/registry/endpoint.js';
import { Repository } from '../../../src/image/registry/repository.js';
import { fastRetry } from './fault-registry.js';

export const PASSWORD = { kind: 'password', username: 'me', password: 'secret' } as const;

export const isRealRegistryThere = ['docker-registry', 'htpasswd', 'openssl'].every((name) => findProgram(name));

export class RealRegistry implements AsyncDisposable {
  private constructor(
    readonly folder: string,
    readonly host: string,
    readonly ca: string,
    readonly child: ChildProcess,
  ) {}

  /** Error: it does not answer within ten seconds; nothing is left then. */
  static async start(): Promise<RealRegistry> {
    const folder = mkdtempSync(join(tmpdir(), 'vlab-registry-'));
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    await mustRun('openssl', ['req', ...kind, '-keyout', key, '-out', certificate, ...subject]);
    const { stdout: user } = await mustRun('htpasswd', ['-nbB', '-C', '4', PASSWORD.username, PASSWORD.password]);
    writeFileSync(join(folder, 'users'), user);
    mkdirSync(join(folder, 'data'));
    const host = `localhost:${await freePort()}`;
    const settings = {
      version: '0.1',
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
      http: { addr: host.replace('localhost', '127.0.0.1'), tls: { certificate, key } },
      auth: { htpasswd: { realm: 'test', path: join(folder, 'users') } },
    };
    writeFileSync(join(folder, 'config.yml'), JSON.stringify(settings)); // JSON is YAML
    const child = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' });
    const registry = new RealRegistry(folder, host, readFileSync(certificate, 'utf8'), child);
    try {
      await registry.#answers();
      return registry;
    } catch (error) {
      await registry[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** `isTrusted`: its certificate is known. */
  repository(
    name: string,
    { isTrusted = true, find = async () => PASSWORD as typeof PASSWORD | undefined } = {},
  ): Repository {
    const endpoint = endpointOf(this.host, isTrusted ? { ca: this.ca } : {});
    return new Repository(endpoint, name, { retry: fastRetry, find });
  }

  async #answers(): Promise<void> {
    await using probe = this.repository('probe', { find: async () => undefined });
    for (const until = Date.now() + 10_000; Date.now() < until; await sleep(30)) {
      const request = { method: 'GET', url: `https://${this.host}/v2/`, headers: {}, expected: [401] } as const;
      const answer = await probe.ask(request, { isOnce: true }).catch(() => undefined);
      await answer?.body?.cancel();
      if (answer) return;
    }
    throw new Error('docker-registry does not answer');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null && this.child.pid !== undefined) {
      const ended = once(this.child, 'exit');
      this.child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
}
