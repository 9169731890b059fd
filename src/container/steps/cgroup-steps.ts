/** The cgroup part of a container's plan: make, limit, join, remove. Pure. cgroups(7). */
import { join } from 'node:path';
import { VlabError } from '../../base/errors.js';
import { ABI, flags } from '../../sys/abi.js';
import { num } from '../../sys/num.js';
import type { PlanBuilder, Word } from '../../sys/plan.js';
import type { OciConfig, OciDeviceRule } from '../config/schema.js';
import type { CgroupPlace, Situation } from '../situation.js';
import { deviceProgram } from './device-program.js';

export interface CgroupSteps {
  /** Version 2: the child is cloned into the cgroup whose descriptor this step leaves in `into`. */
  clonesInto: boolean;
  /** Before the clone, in the parent. */
  make(into: Word): void;
  /** First steps of the child (version 1 only). */
  join(): void;
  /** After the child was reaped. */
  remove(): void;
  /** Directories that exist while the container does. */
  directories: string[];
}

/** Error (`host`): a limit is asked for that no mounted controller can set. */
export function cgroupSteps(b: PlanBuilder, config: OciConfig, situation: Situation): CgroupSteps {
  const name = (config.linux.cgroupsPath ?? '').split('/').at(-1) ?? '';
  const places = situation.cgroups.map((place) => ({ place, directory: join(place.parent, name) }));
  checkLimits(config, situation.cgroups);
  const joins: Word[] = [];
  const clonesInto = places.some(({ place }) => place.version === 2);
  return {
    clonesInto,
    directories: places.map(({ directory }) => directory),
    make(into) {
      for (const { place, directory } of places) {
        b.step(
          'mkdirat',
          [flags('AT_FDCWD'), b.str(directory), num(0o755, '0755')],
          `make the ${nameOf(place)} cgroup`,
        );
        for (const [file, value] of limitFiles(config, place)) writeFile(b, join(directory, file), value);
        if (place.controllers.includes('devices')) v1Devices(b, directory, config.linux.resources.devices ?? []);
        if (place.version === 2) {
          const open = flags('O_RDONLY', 'O_CLOEXEC');
          b.step('openat', [flags('AT_FDCWD'), b.str(directory), open], 'hold the cgroup, to clone into it', {
            result: into,
          });
          // In a user namespace no device node can be made, and the program could not be loaded either.
          if (!situation.rootless) v2Devices(b, into, config.linux.resources.devices ?? []);
        } else {
          const procs = b.word(`${nameOf(place)}.procs`);
          const path = b.str(join(directory, 'cgroup.procs'));
          b.step('openat', [flags('AT_FDCWD'), path, flags('O_WRONLY', 'O_CLOEXEC')], 'open its list of processes', {
            result: procs,
          });
          joins.push(procs);
        }
      }
    },
    join() {
      for (const procs of joins) b.step('write', [procs, b.str('0'), 1], 'join the cgroup (0 is "myself")');
    },
    remove() {
      for (const { place, directory } of places) {
        b.step(
          'unlinkat',
          [flags('AT_FDCWD'), b.str(directory), flags('AT_REMOVEDIR')],
          `remove the ${nameOf(place)} cgroup`,
          {
            tolerate: ['ENOENT'],
          },
        );
      }
    },
  };
}

const nameOf = (place: CgroupPlace) => (place.version === 2 ? 'unified' : place.controllers.join(','));

function checkLimits(config: OciConfig, places: readonly CgroupPlace[]): void {
  const { memory, cpu, pids } = config.linux.resources;
  for (const [controller, asked] of Object.entries({ memory: memory?.limit, cpu: cpu?.quota, pids: pids?.limit })) {
    if (asked === undefined || places.some((place) => place.controllers.includes(controller))) continue;
    throw new VlabError('host', `a ${controller} limit was asked for, but no ${controller} cgroup can be made here`, {
      hint: 'run it as root, or on a host that delegates cgroups to its users; `vlab doctor` shows what is there',
    });
  }
}

/** Control files and what is written to them; kernel Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst. */
function limitFiles(config: OciConfig, place: CgroupPlace): [string, string][] {
  const { memory, cpu, pids } = config.linux.resources;
  const has = (name: string) => place.controllers.includes(name);
  const files: [string, string][] = [];
  if (has('memory') && memory?.limit !== undefined) {
    files.push([place.version === 2 ? 'memory.max' : 'memory.limit_in_bytes', String(memory.limit)]);
  }
  if (has('cpu') && cpu?.quota !== undefined) {
    const period = cpu.period ?? 100_000;
    if (place.version === 2) files.push(['cpu.max', `${cpu.quota} ${period}`]);
    else files.push(['cpu.cfs_period_us', String(period)], ['cpu.cfs_quota_us', String(cpu.quota)]);
  }
  if (has('pids') && pids !== undefined) files.push(['pids.max', String(pids.limit)]);
  return files;
}

/** open, write, close: a control file takes its value in one write. */
function writeFile(b: PlanBuilder, path: string, ...values: string[]): void {
  const fd = b.word('fd');
  b.step('openat', [flags('AT_FDCWD'), b.str(path), flags('O_WRONLY', 'O_CLOEXEC')], `open ${path.split('/').at(-1)}`, {
    result: fd,
  });
  for (const value of values) b.step('write', [fd, b.str(value), value.length], `set it to ${value}`);
  b.step('close', [fd], 'done with it');
}

/** The devices controller of version 1 takes one rule a write. */
function v1Devices(b: PlanBuilder, directory: string, rules: readonly OciDeviceRule[]): void {
  const star = (value: number | undefined) => (value === undefined ? '*' : String(value));
  const text = (rule: OciDeviceRule) =>
    rule.type === 'a' ? 'a' : `${rule.type} ${star(rule.major)}:${star(rule.minor)} ${rule.access}`;
  for (const allow of [false, true]) {
    const some = rules.filter((rule) => rule.allow === allow).map(text);
    if (some.length > 0) writeFile(b, join(directory, allow ? 'devices.allow' : 'devices.deny'), ...some);
  }
}

/** sizeof(union bpf_attr) up to what is used here, rounded up; the kernel takes any larger, zeroed size. */
const BPF_ATTR_BYTES = 128;
/** Two descriptors get numbers known beforehand, because bpf_attr packs them side by side in 32 bits each. */
const CGROUP_FD = 1000;
const PROGRAM_FD = 1001;

/** Version 2 has no file for devices: a program decides (bpf(2), BPF_PROG_LOAD, BPF_PROG_ATTACH). */
function v2Devices(b: PlanBuilder, cgroup: Word, rules: readonly OciDeviceRule[]): void {
  const instructions = deviceProgram(rules);
  const load = b.space(BPF_ATTR_BYTES, '{CGROUP_DEVICE, the device rules}');
  b.put(load.offset, ABI.BPF_PROG_TYPE_CGROUP_DEVICE, 32);
  b.put(load.offset + 4, instructions.length / 8, 32);
  b.point(load.offset + 8, b.data(instructions, 'instructions'));
  b.point(load.offset + 16, b.str('GPL'));
  const attach = b.space(BPF_ATTR_BYTES, '{cgroup, program, CGROUP_DEVICE}');
  [CGROUP_FD, PROGRAM_FD, ABI.BPF_CGROUP_DEVICE, ABI.BPF_F_ALLOW_MULTI].forEach((value, index) => {
    b.put(attach.offset + index * 4, value, 32);
  });
  const program = b.word('program');
  b.step('bpf', [flags('BPF_PROG_LOAD'), load, BPF_ATTR_BYTES], 'load the device rules as a program', {
    result: program,
  });
  b.step('dup3', [cgroup, CGROUP_FD, flags('O_CLOEXEC')], 'name the cgroup by a number known beforehand');
  b.step('dup3', [program, PROGRAM_FD, flags('O_CLOEXEC')], 'and the program');
  b.step('bpf', [flags('BPF_PROG_ATTACH'), attach, BPF_ATTR_BYTES], 'let the program decide about devices');
}
