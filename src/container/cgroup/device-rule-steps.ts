/** The device rules of a new cgroup as steps. Pure. */
import { join } from 'node:path';
import { ABI, flags } from '../../sys/abi.js';
import type { Addr, PlanBuilder, Word } from '../../sys/plan.js';
import { deviceProgram } from './device-program.js';
import { type DeviceRules, deviceLines, deviceList, EVERYTHING } from './device-rules.js';
import { resourcePath } from './resource-write.js';
import { writeFile } from './write-steps.js';

const from = resourcePath('devices');

/** The devices controller of version 1 takes one rule a write. */
export function deviceFiles(b: PlanBuilder, directory: string, rules: DeviceRules): void {
  let values: string[] = [];
  deviceLines(deviceList(rules), EVERYTHING).forEach(({ file, text }, index, lines) => {
    values.push(text);
    if (lines[index + 1]?.file === file) return;
    writeFile(b, join(directory, file), values, { from });
    values = [];
  });
}

/** sizeof(union bpf_attr) up to what is used here, rounded up; the kernel takes any larger, zeroed size. */
export const BPF_ATTR_BYTES = 128;
/** Two descriptors get numbers known beforehand, because bpf_attr packs them side by side in 32 bits each. */
export const CGROUP_FD = 1000;
export const PROGRAM_FD = 1001;
/** By this name `update` and bpftool(8) find the program again. At most 15 bytes. */
export const PROGRAM_NAME = 'vlab_devices';

/** Version 2 has no file for devices: a program decides (bpf(2), BPF_PROG_LOAD, BPF_PROG_ATTACH). `cgroup`: its directory. */
export function attachProgram(b: PlanBuilder, cgroup: Word, rules: DeviceRules): void {
  const program = loadProgram(b, rules);
  const attach = attachAttributes(b, '{cgroup, program, CGROUP_DEVICE}', ABI.BPF_F_ALLOW_MULTI);
  nameCgroup(b, cgroup);
  nameProgram(b, program);
  b.step('bpf', [flags('BPF_PROG_ATTACH'), attach, BPF_ATTR_BYTES], 'let the program decide about devices', { from });
}

export function loadProgram(b: PlanBuilder, rules: DeviceRules): Word {
  const instructions = deviceProgram(rules);
  const attributes = Buffer.alloc(BPF_ATTR_BYTES);
  attributes.write(PROGRAM_NAME, 48);
  const load = b.data(attributes, '{CGROUP_DEVICE, the device rules}');
  b.put(load.offset, ABI.BPF_PROG_TYPE_CGROUP_DEVICE, 32);
  b.put(load.offset + 4, instructions.length / 8, 32);
  b.point(load.offset + 8, b.data(instructions, 'instructions'));
  b.point(load.offset + 16, b.str('GPL'));
  const program = b.word('program');
  b.step('bpf', [flags('BPF_PROG_LOAD'), load, BPF_ATTR_BYTES], 'load the device rules as a program', {
    result: program,
    from,
  });
  return program;
}

export function attachAttributes(b: PlanBuilder, text: string, attachFlags: number): Addr {
  const attach = b.space(BPF_ATTR_BYTES, text);
  [CGROUP_FD, PROGRAM_FD, ABI.BPF_CGROUP_DEVICE, attachFlags].forEach((value, index) => {
    b.put(attach.offset + index * 4, value, 32);
  });
  return attach;
}

const hint = `at least ${PROGRAM_FD + 1} open files must be allowed: see \`ulimit -n\``;

export function nameCgroup(b: PlanBuilder, cgroup: Word): void {
  b.step('dup3', [cgroup, CGROUP_FD, flags('O_CLOEXEC')], 'name the cgroup by a number known beforehand', { hint });
}

export function nameProgram(b: PlanBuilder, program: Word, why = 'and the program'): void {
  b.step('dup3', [program, PROGRAM_FD, flags('O_CLOEXEC')], why, { hint });
}
