/**
 * The systemd cgroup driver (`--systemd-cgroup`): systemd makes the container's directory, as a transient scope, and counts it
 * among its own. It is asked by its own commands, systemd-run(1) and systemctl(1), which are there wherever systemd is, reach
 * it without a bus daemon when they run as root, and know how to authenticate from within a user namespace.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VlabError } from '../../base/errors.js';
import { type Ran, run } from '../../base/exec.js';
import { readCgroupLayout } from '../../host/cgroup-layout.js';
import type { OciConfig, OciResources } from '../config/schema.js';
import type { Situation } from '../situation.js';
import { type Cgroup, directoryOf, type SystemdUnit } from './cgroup.js';
import { isPaused, pause, resume } from './freezer.js';
import { MACHINE } from './look.js';
import { cgroupOf, type PlannedCgroup } from './planned-cgroup.js';
import { controllersAskedFor } from './resource-writes.js';
import { annotatedProperties, limitProperties, unitOf } from './systemd-properties.js';

type Environment = Readonly<Record<string, string | undefined>>;

export interface StartedScope extends Disposable {
  planned: PlannedCgroup;
  /** Call it when the container's first process is in the scope, or when there will be none: it ends when it is empty. */
  release(): void;
}

/** One process holds the scope until the container is in it; it ends with whoever asked for it. */
const HOLDER = ['/bin/sh', '-c', 'echo held; read -r _'];

/**
 * Lets systemd make the container's cgroup, with its limits. `env`: the caller's, by which a user's own manager is found.
 * Errors: `host` when systemd is not there or refuses; `input` for a cgroupsPath that is not slice:prefix:name.
 */
export async function startScope(
  config: OciConfig,
  id: string,
  situation: Situation,
  env: Environment = process.env,
): Promise<StartedScope> {
  const { cgroupsPath, resources } = config.linux;
  const confined = situation.rootless !== undefined || MACHINE.inUserNamespace();
  const unit = unitOf(cgroupsPath, id, confined ? 'user' : 'system');
  const version = situation.cgroups.some((place) => place.version === 1) ? 1 : 2;
  checkSystemd(unit, version);
  const properties = [...limitProperties(resources, { version, devices: groups() }), ...annotatedProperties(config)];
  const holder = await hold(scopeArguments(unit, id, version, properties), unit, env);
  try {
    const path = pathOf(holder.pid ?? 0);
    const look = { ...MACHINE, processes: () => 0 }; // the holder is no stranger
    const planned = cgroupOf({ ...config, linux: { ...config.linux, cgroupsPath: path } }, id, situation, look);
    const release = () => void holder.stdin?.end();
    return { planned: ofScope(planned, unit, resources), release, [Symbol.dispose]: release };
  } catch (error) {
    holder.stdin?.end();
    throw error;
  }
}

function checkSystemd(unit: SystemdUnit, version: 1 | 2): void {
  if (!existsSync('/run/systemd/system')) {
    throw new VlabError('host', "systemd's cgroup driver was asked for, but this machine does not run systemd", {
      hint: 'leave --systemd-cgroup away, or tell the engine to use the cgroupfs driver',
    });
  }
  if (unit.bus === 'user' && version === 1) {
    throw new VlabError('host', "a user's own systemd manages no cgroups of version 1", {
      hint: 'leave --systemd-cgroup away, or boot with version 2 of cgroups alone',
    });
  }
}

/** The arguments of systemd-run(1). Pure. */
export function scopeArguments(unit: SystemdUnit, id: string, version: 1 | 2, properties: readonly string[]): string[] {
  const accounting = ['Memory', 'CPU', 'Tasks', version === 1 ? 'BlockIO' : 'IO'].map(
    (name) => `${name}Accounting=yes`,
  );
  const all = ['Delegate=yes', 'DefaultDependencies=no', ...accounting, ...properties];
  return [
    ...(unit.bus === 'user' ? ['--user'] : []),
    ...['--scope', '--quiet', '--collect', `--unit=${unit.name}`, `--slice=${unit.slice}`],
    `--description=container ${id}`,
    ...all.map((property) => `--property=${property}`),
    '--',
    ...HOLDER,
  ];
}

/** Resolves when systemd has made the scope and the holder is in it. A failed unit of that name, which is only a memory, goes. */
async function hold(args: string[], unit: SystemdUnit, env: Environment): Promise<ChildProcess> {
  const first = await tryHold(args, env);
  if (typeof first !== 'string') return first;
  await systemctl(unit, ['reset-failed', unit.name], env);
  const second = await tryHold(args, env);
  if (typeof second !== 'string') return second;
  throw new VlabError('host', `systemd does not make the scope ${unit.name}: ${second}`, {
    hint: `look at \`systemctl status ${unit.name}\` and at the journal`,
  });
}

/** The holder, or what systemd-run said. */
async function tryHold(args: string[], env: Environment): Promise<ChildProcess | string> {
  const child = spawn('systemd-run', args, { stdio: ['pipe', 'pipe', 'pipe'], env: withRuntimeDir(env) });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  child.stdin.on('error', () => {}); // it has ended
  const held = once(child.stdout, 'data').then(() => child);
  const failed = once(child, 'close').then(
    () => said.trim().split('\n').at(-1) ?? '',
    (error: Error) => error.message,
  );
  return Promise.race([held, failed]);
}

/** A user's manager is found by this variable, which a shell without a session lacks. */
function withRuntimeDir(env: Environment): Environment {
  const directory = `/run/user/${process.getuid?.() ?? 0}`;
  return env.XDG_RUNTIME_DIR || !existsSync(directory) ? env : { ...env, XDG_RUNTIME_DIR: directory };
}

function groups(): string {
  return readFileSync('/proc/devices', 'utf8');
}

/** Where systemd has put a process, below the top of its hierarchies. */
function pathOf(pid: number): string {
  const layout = readCgroupLayout('/proc/self', `/proc/${pid}`);
  const hierarchy = layout.named.systemd ?? layout.unified;
  const { mountPoint = '', ownDirectory } = hierarchy ?? {};
  if (ownDirectory === undefined) throw new VlabError('host', 'the cgroups that systemd manages are not mounted here');
  return ownDirectory.slice(mountPoint.length);
}

/** What systemd hands down is its own matter, but for what a limit needs and it does not know. */
function ofScope({ cgroup, directories }: PlannedCgroup, unit: SystemdUnit, resources: OciResources): PlannedCgroup {
  const asked = controllersAskedFor(resources);
  for (const directory of directories) {
    if (directory.version === 1) continue;
    const has = MACHINE.read(join(directory.path, 'cgroup.controllers'))?.split(/\s+/).filter(Boolean) ?? [];
    directory.controllers = directory.controllers.filter((name) => has.includes(name) || asked.has(name));
    directory.handDown = directory.handDown
      .map(({ path, controllers }) => ({ path, controllers: controllers.filter((name) => asked.has(name)) }))
      .filter(({ controllers }) => controllers.length > 0);
  }
  const plain = directories.map(({ version, controllers, path }) => ({ version, controllers, path }));
  return { cgroup: { ...cgroup, directories: plain, unit }, directories };
}

/** The scope ends, if it has not with its last process. */
export async function stopScope(unit: SystemdUnit, env: Environment = process.env): Promise<void> {
  const { exitCode, stderr } = await systemctl(unit, ['stop', unit.name], env);
  if (exitCode === 0 || exitCode === NOT_LOADED) return;
  throw new VlabError('operation', `systemd does not stop ${unit.name}: ${stderr.trim()}`, {
    hint: `look at \`systemctl status ${unit.name}\``,
  });
}

/** systemctl(1), "Exit status". */
const NOT_LOADED = 5;

/**
 * Tells systemd the limits of a running container. New device rules of version 1 are told while it is paused: systemd closes
 * all devices for a moment when it writes their list anew.
 */
export async function setScopeProperties(
  cgroup: Cgroup & { unit: SystemdUnit },
  resources: OciResources,
  env: Environment = process.env,
): Promise<void> {
  const version = directoryOf(cgroup, 'name=systemd') ? 1 : 2;
  const devices = resources.devices && groups();
  const properties = limitProperties(resources, { version, devices });
  if (properties.length === 0) return;
  const hold = version === 1 && devices !== undefined && directoryOf(cgroup, 'freezer') && !isPaused(cgroup);
  if (hold) await pause(cgroup);
  try {
    const { exitCode, stderr } = await systemctl(
      cgroup.unit,
      ['set-property', '--runtime', cgroup.unit.name, ...properties],
      env,
    );
    if (exitCode === 0) return;
    throw new VlabError('host', `systemd does not take ${properties.join(' ')}: ${stderr.trim()}`);
  } finally {
    if (hold) await resume(cgroup);
  }
}

function systemctl(unit: SystemdUnit, args: readonly string[], env: Environment): Promise<Ran> {
  return run('systemctl', [...(unit.bus === 'user' ? ['--user'] : []), ...args], { env: withRuntimeDir(env) });
}
