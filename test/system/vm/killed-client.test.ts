// Clients of QEMU, killed. Needs QEMU and a guest kernel in the cache; without /dev/kvm there is no tiny guest to be killed in.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cacheDir } from '../../../src/base/paths.js';
import { until } from '../sys/own-launcher.js';
import { qemuAndKernel, START_DEADLINE_MS } from './on-the-machine.js';

const VLAB = join(import.meta.dirname, '../../../bin/vlab.cjs');
const ROUNDS = 12;
/** Where answers of QEMU and about KVM are kept: to be asked for again in each round. */
const FORGOTTEN = ['qemu', 'kvm'];

let folder: string;
let env: NodeJS.ProcessEnv;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vlab-killed-'));
  // QEMU gets no variable but PATH: by this one its processes are known.
  env = { ...process.env, PATH: `${process.env.PATH}:${folder}`, VLAB_RUN_DIR: join(folder, 'run') };
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The real cache, without what it remembers. */
function forgetfulCache(round: number): string {
  const cache = join(folder, `cache-${round}`);
  mkdirSync(cache);
  for (const name of readdirSync(cacheDir())) {
    if (!FORGOTTEN.includes(name)) symlinkSync(join(cacheDir(), name), join(cache, name));
  }
  return cache;
}

function qemus(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => read(pid, 'comm').startsWith('qemu') && read(pid, 'environ').includes(folder));
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // gone meanwhile
  }
}

function vmRun(...command: string[]): ChildProcess {
  return spawn(process.execPath, [VLAB, 'vm', 'run', '--rootfs', 'probe', ...command], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** No QEMU at once; no file after the next command. */
async function expectNothingLeft(label: string): Promise<void> {
  await until(() => qemus().length === 0, `${label}: QEMU has died with its client`);
  expect(spawnSync(process.execPath, [VLAB, 'ps'], { env }).status).toBe(0);
  const left = readdirSync(join(folder, 'run'), { recursive: true }).map(String);
  expect(
    left.filter((name) => !/^(owners|sweep\.lock)$/.test(name)),
    label,
  ).toEqual([]);
}

test('killed while its machine runs', { timeout: START_DEADLINE_MS * 2 }, async (context) => {
  await qemuAndKernel(context);
  const client = vmRun('/probe', 'trap');
  const ended = once(client, 'exit');
  const [said] = await once(client.stdout as Readable, 'data');
  expect(String(said)).toBe('ready\n');
  expect(qemus()).toHaveLength(1);
  client.kill('SIGKILL');
  await ended;
  await expectNothingLeft('the machine');
});

test('killed while it asks QEMU and KVM what they can do', { timeout: ROUNDS * 30_000 }, async (context) => {
  await qemuAndKernel(context);
  for (let round = 0; round < ROUNDS; round++) {
    env.VLAB_CACHE_DIR = forgetfulCache(round);
    const client = vmRun('/probe', 'hello');
    const ended = once(client, 'exit');
    await until(() => qemus().length > 0, 'a QEMU runs', 20_000);
    await sleep(round * 40);
    client.kill('SIGKILL');
    await ended;
    await expectNothingLeft(`round ${round}`);
  }
});
