// Needs root: kills vlab, its launcher, containers and QEMU at random moments and looks for what they left behind.
// 16 rounds here, 200 in the full run; rounds with a virtual machine need QEMU and a guest kernel.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { findProgram } from '../../src/base/find-program.js';
import { type Random, seededRandom } from '../../src/stats/random.js';
import { launcherPid } from '../../src/sys/launcher.js';
import { cachedKernels } from '../../src/vm/kernel.js';
import { leftSince, type MachineState, machineState } from '../conformance/machine-state.js';
import { isOwn } from '../own-processes.js';
import { isFullRun, isRoot, needs } from '../skips.js';

const ROUNDS = isFullRun ? 200 : 16;
const SEED = 20261124;
const ROOT = join(import.meta.dirname, '../..');
const VLAB = join(ROOT, JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).bin.vlab);
const results = mkdtempSync(join(tmpdir(), 'vlab-faults-'));
const withVm = findProgram('qemu-system-x86_64') !== undefined && (await cachedKernels()).length > 0;

afterAll(() => rmSync(results, { recursive: true, force: true }));

/** What runs, and who is killed in it. */
interface Round {
  what: 'run' | 'bench' | 'vm run';
  victim: 'client' | 'launcher' | 'performer' | 'payload' | 'qemu';
  /** The kill comes at a random moment up to this long after the start. */
  withinMs: number;
}

const CONTAINER_ROUNDS: Round[] = [
  { what: 'run', victim: 'client', withinMs: 400 },
  { what: 'run', victim: 'performer', withinMs: 600 },
  { what: 'run', victim: 'payload', withinMs: 600 },
  { what: 'bench', victim: 'client', withinMs: 4000 },
  { what: 'bench', victim: 'launcher', withinMs: 4000 },
  { what: 'bench', victim: 'payload', withinMs: 4000 },
];
const VM_ROUNDS: Round[] = [
  { what: 'vm run', victim: 'client', withinMs: 3000 },
  { what: 'vm run', victim: 'qemu', withinMs: 4000 },
];

test(
  `${ROUNDS} rounds of SIGKILL leave nothing behind and lose no row`,
  async (context) => {
    needs(context, 'root', isRoot);
    const random = seededRandom(SEED, 'faults');
    const rounds = withVm ? [...CONTAINER_ROUNDS, ...VM_ROUNDS] : CONTAINER_ROUNDS;
    await nextCommand(); // the launcher and the caches are made once and kept
    const before = machineState();
    const namespaces = namespacesInUse();
    for (let number = 0; number < ROUNDS; number++) {
      const round = rounds[number % rounds.length] as Round;
      const label = `round ${number}: ${round.what}, ${round.victim} killed`;
      await oneRound(round, number, random, label);
      await nextCommand();
      expect(await settled(before, namespaces), label).toEqual({});
    }
  },
  ROUNDS * 30_000,
);

async function oneRound(round: Round, number: number, random: Random, label: string): Promise<void> {
  const mark = `${4000 + number}`;
  const run = `r${number}`;
  const client = spawnVlab(round.what, mark, run);
  const ended = once(client, 'exit');
  await sleep(random.unit() * round.withinMs);
  const rowsBefore = rowsOf(run);
  const victim = await findVictim(round, client, mark);
  if (victim !== undefined) kill(victim);
  await Promise.race([ended, sleep(1500)]);
  // What was not killed goes on by itself; a bench is long, so it is told to stop as a person would.
  if (client.exitCode === null && client.signalCode === null) client.kill('SIGINT');
  const [code, signal] = await Promise.race([ended, sleep(20_000).then(() => ['still running'])]);
  expect(code ?? signal, label).not.toBe('still running');
  const rowsAfter = rowsOf(run);
  expect(rowsAfter.startsWith(rowsBefore), `${label}: rows that were written stay`).toBe(true);
}

function spawnVlab(what: Round['what'], mark: string, run: string): ChildProcess {
  const probe = ['--rootfs', 'probe', '/probe', 'trap', mark];
  const folders = ['--results', join(results, run), '--reports', join(results, `${run}-reports`)];
  const bench = ['-d', 'process,chroot,container,runc', '--runs', '500', ...folders, '--', '/probe', 'hello'];
  const argv = { run: ['run', ...probe], bench: ['bench', ...bench], 'vm run': ['vm', 'run', ...probe] }[what];
  return spawn(process.execPath, [VLAB, ...argv], { stdio: 'ignore' });
}

async function findVictim(round: Round, client: ChildProcess, mark: string): Promise<number | undefined> {
  switch (round.victim) {
    case 'client':
      return client.pid;
    case 'launcher':
      return launcherPid();
    case 'performer':
      return processes((argv) => argv[0] === 'vlab-init' && argv[1] === 'perform', client.pid)[0];
    case 'payload':
      return processes((argv) => argv[0] === '/probe' && (round.what === 'bench' || argv.includes(mark)))[0];
    case 'qemu':
      return processes((argv) => (argv[0] ?? '').includes('qemu-system'), client.pid)[0];
  }
}

/** Pids by command line; with `ancestor`, only its descendants. */
function processes(wanted: (argv: string[]) => boolean, ancestor?: number): number[] {
  return ownPids()
    .filter((pid) => wanted(read(`/proc/${pid}/cmdline`).split('\0')))
    .filter((pid) => ancestor === undefined || ancestorsOf(pid).includes(ancestor));
}

function ownPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter(isOwn);
}

function ancestorsOf(pid: number): number[] {
  const stat = read(`/proc/${pid}/stat`);
  const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
  return parent > 1 ? [parent, ...ancestorsOf(parent)] : [];
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself a moment before: a moment like any other.
  }
}

/** Any command of vlab cleans up after dead ones. */
async function nextCommand(): Promise<void> {
  const argv = ['bench', '-d', 'container', '--runs', '1', '--warmup', '0', '--results', join(results, 'next')];
  const reports = ['--reports', join(results, 'next-reports')];
  const client = spawn(process.execPath, [VLAB, ...argv, ...reports, '--', '/probe', 'hello'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  client.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const [code] = await once(client, 'exit');
  expect(code, said).toBe(0);
}

/** The kernel takes network namespaces and exiting processes apart a little later: up to two seconds for that. */
async function settled(before: MachineState, namespaces: Set<string>): Promise<Record<string, string[]>> {
  for (let waited = 0; ; waited += 100) {
    const added = [...namespacesInUse()].filter((name) => !namespaces.has(name));
    const left = { ...leftSince(before), ...(added.length > 0 ? { namespaces: added } : {}) };
    if (Object.keys(left).length === 0 || waited >= 2000) return left;
    await sleep(100);
  }
}

const KINDS = ['mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup', 'user'];

function namespacesInUse(): Set<string> {
  const links = ownPids().flatMap((pid) => KINDS.map((kind) => link(`/proc/${pid}/ns/${kind}`)));
  return new Set(links.filter((name) => name !== ''));
}

function rowsOf(run: string): string {
  const folder = join(results, run);
  const [name] = existsSync(folder) ? readdirSync(folder) : [];
  return name === undefined ? '' : read(join(folder, name, 'trials.csv'));
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // gone meanwhile
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // gone meanwhile
  }
}
