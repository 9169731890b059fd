/** Asks a QEMU binary what it can do: one short QEMU without a machine, answers over QMP, remembered in the cache. */
import { createHash } from 'node:crypto';
import { access, constants, realpath, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Duplex } from 'node:stream';
import { VlabError } from '../base/errors.js';
import { mustRun } from '../base/exec.js';
import { remembered } from '../base/partial.js';
import { cacheDir } from '../base/paths.js';
import { type Arch, hostArch } from '../sys/abi.js';
import type { QemuFeatures } from './qemu-features.js';
import { QmpClient } from './qmp.js';
import type { MachineType } from './spec.js';
import { startQemu } from './start-qemu.js';

export interface Qemu {
  path: string;
  features: QemuFeatures;
}

const MACHINES: Record<Arch, MachineType[]> = { x86_64: ['q35', 'microvm'], aarch64: ['virt'] };
const PROBE_DEADLINE_MS = 20_000;

/** The features as JSON. Bump the form when it changes. */
interface Remembered {
  form: 1;
  version: string;
  machineTypes: string[];
  machineOptions: Partial<Record<MachineType, string[]>>;
  devices: string[];
  options: string[];
  kvmBuiltIn: boolean;
}

/**
 * Finds `qemu-system-ARCH` ($VLAB_QEMU names another) and what it can do. Errors: `host`: it is not installed, or does not
 * answer.
 */
export async function findQemu(arch: Arch = hostArch()): Promise<Qemu> {
  const path = await qemuPath(`qemu-system-${arch}`);
  const { size, mtimeNs } = await stat(path, { bigint: true });
  const key = createHash('sha256').update(`${path}\n${size}\n${mtimeNs}\n`).digest('hex').slice(0, 16);
  const file = join(cacheDir(), 'qemu', `${key}.json`);
  const known = await remembered(
    file,
    () => ask(path, arch),
    ({ form }) => form === 1,
  );
  return { path, features: featuresOf(known) };
}

async function qemuPath(name: string): Promise<string> {
  const chosen = process.env.VLAB_QEMU;
  const candidates = chosen ? [chosen] : (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name));
  for (const candidate of candidates) {
    const executable = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (executable) return realpath(candidate);
  }
  throw new VlabError('host', `${chosen ?? name} is not installed`, {
    hint: 'install it (Debian, Ubuntu: apt-get install qemu-system-x86 or qemu-system-arm; Fedora: dnf install qemu-kvm)',
  });
}

function featuresOf(known: Remembered): QemuFeatures {
  return {
    version: known.version,
    machineTypes: new Set(known.machineTypes),
    machineOptions: Object.fromEntries(
      Object.entries(known.machineOptions).map(([machine, options]) => [machine, new Set(options)]),
    ),
    devices: new Set(known.devices),
    options: new Set(known.options),
    kvmBuiltIn: known.kvmBuiltIn,
  };
}

async function ask(path: string, arch: Arch): Promise<Remembered> {
  const args = ['-nodefaults', '-no-user-config', '-display', 'none', '-machine', 'none', '-S'];
  const qmpArgs = ['-chardev', 'socket,id=qmp,fd=4', '-mon', 'chardev=qmp,mode=control'];
  const { child, planFailure } = await startQemu(path, [...args, ...qmpArgs], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
    buffer: { fd3: false, fd4: false },
    maxBuffer: 65536,
    timeout: PROBE_DEADLINE_MS,
    killSignal: 'SIGKILL',
  });
  try {
    await using qmp = await QmpClient.negotiate(child.stdio[4] as unknown as Duplex, { deadlineMs: PROBE_DEADLINE_MS });
    const machines = (await qmp.execute('query-machines')) as { name: string; alias?: string }[];
    const objects = (await qmp.execute('qom-list-types', { abstract: false })) as { name: string }[];
    const options = (await qmp.execute('query-command-line-options')) as { option: string }[];
    const accelerators = objects.map(({ name }) => name);
    const machineOptions: Remembered['machineOptions'] = {};
    for (const machine of MACHINES[arch]) {
      if (!machines.some(({ name, alias }) => name === machine || alias === machine)) continue;
      machineOptions[machine] = await optionsOfMachine(path, machine);
    }
    const result: Remembered = {
      form: 1,
      version: qmp.greeting.version,
      machineTypes: machines.flatMap(({ name, alias }) => (alias ? [name, alias] : [name])),
      machineOptions,
      devices: objects.map(({ name }) => name).filter((name) => name.startsWith('virt')),
      options: options.map(({ option }) => option),
      kvmBuiltIn: accelerators.includes('kvm-accel'),
    };
    await qmp.execute('quit');
    return result;
  } catch (error) {
    child.kill('SIGKILL');
    const said = String((await child).stderr)
      .trim()
      .split('\n')
      .at(-1);
    throw new VlabError('host', `${path} does not tell what it can do${said ? `: ${said}` : ''}`, {
      cause: (await planFailure) ?? error,
      hint: `try it by hand: ${path} ${args.join(' ')} -qmp stdio`,
    });
  }
}

/** By the help text: qom-list-properties makes an instance, and QEMU 7.2 dies of one of microvm. */
async function optionsOfMachine(path: string, machine: MachineType): Promise<string[]> {
  const { stdout } = await mustRun(path, ['-machine', `${machine},help`], { timeout: PROBE_DEADLINE_MS });
  return parseMachineHelp(stdout);
}

/** `  hpet=<bool>   - Enable/disable …`, a line each. Pure. */
export function parseMachineHelp(text: string): string[] {
  return text.split('\n').flatMap((line) => /^\s+([\w-]+)=</.exec(line)?.[1] ?? []);
}
