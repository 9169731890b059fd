/**
 * New device rules for a running container of version 2: the old program is exchanged in one call, so that at no moment both
 * or neither decide (bpf(2), BPF_F_REPLACE). Another program of the same cgroup, systemd's, stays.
 */
import { ABI, flags, hostArch } from '../../sys/abi.js';
import { performOnce } from '../../sys/perform-once.js';
import { type Plan, PlanBuilder, type Word } from '../../sys/plan.js';
import type { CgroupDirectory } from './cgroup.js';
import {
  attachAttributes,
  BPF_ATTR_BYTES,
  CGROUP_FD,
  loadProgram,
  nameCgroup,
  nameProgram,
  PROGRAM_FD,
  PROGRAM_NAME,
} from './device-rule-steps.js';
import type { DeviceRules } from './device-rules.js';

/** The kernel attaches no more to one cgroup. */
const MAX_PROGRAMS = 64;

export async function replaceProgram(directory: CgroupDirectory, rules: DeviceRules): Promise<void> {
  const attached = idsOf((await performOnce(queryPlan(directory.path))).reply);
  const names = attached.length === 0 ? [] : namesOf((await performOnce(namesPlan(attached))).reply);
  const old = attached.find((_, index) => names[index] === PROGRAM_NAME);
  await performOnce(exchangePlan(directory.path, rules, old));
}

/** bpf_attr of BPF_PROG_QUERY: the list's address and its length, which becomes the number of programs. */
const QUERY_IDS_AT = 16;
const QUERY_COUNT_AT = 24;

/** Replies with the number of programs and their ids. */
function queryPlan(directory: string): Plan {
  const b = new PlanBuilder(hostArch());
  const query = b.space(BPF_ATTR_BYTES + MAX_PROGRAMS * 4, '{cgroup, CGROUP_DEVICE}');
  b.put(query.offset, CGROUP_FD, 32);
  b.put(query.offset + 4, ABI.BPF_CGROUP_DEVICE, 32);
  b.point(query.offset + QUERY_IDS_AT, { ...query, offset: query.offset + BPF_ATTR_BYTES });
  b.put(query.offset + QUERY_COUNT_AT, MAX_PROGRAMS, 32);
  openCgroup(b, directory);
  b.step('bpf', [flags('BPF_PROG_QUERY'), query, BPF_ATTR_BYTES], 'ask which programs decide about its devices');
  b.reply(query, BPF_ATTR_BYTES + MAX_PROGRAMS * 4);
  return b.build();
}

function idsOf(reply: Buffer): number[] {
  const count = reply.readUInt32LE(QUERY_COUNT_AT);
  return Array.from({ length: count }, (_, index) => reply.readUInt32LE(BPF_ATTR_BYTES + index * 4));
}

/** struct bpf_prog_info, as far as its name. */
const INFO_BYTES = 80;
const INFO_NAME_AT = 64;

/** Replies with one bpf_prog_info each. */
function namesPlan(ids: readonly number[]): Plan {
  const b = new PlanBuilder(hostArch());
  const infos = b.space(ids.length * INFO_BYTES, 'infos');
  ids.forEach((id, index) => {
    nameProgram(b, openProgram(b, id), 'name it by a number known beforehand');
    const ask = b.space(BPF_ATTR_BYTES, '{program, its info}');
    b.put(ask.offset, PROGRAM_FD, 32);
    b.put(ask.offset + 4, INFO_BYTES, 32);
    b.point(ask.offset + 8, { ...infos, offset: infos.offset + index * INFO_BYTES });
    b.step('bpf', [flags('BPF_OBJ_GET_INFO_BY_FD'), ask, BPF_ATTR_BYTES], 'ask for its name');
  });
  b.reply(infos, ids.length * INFO_BYTES);
  return b.build();
}

function namesOf(reply: Buffer): string[] {
  const names: string[] = [];
  for (let at = INFO_NAME_AT; at < reply.length; at += INFO_BYTES) {
    names.push(reply.toString('latin1', at, at + 16).replace(/\0.*$/s, ''));
  }
  return names;
}

/** bpf_attr of BPF_PROG_ATTACH: replace_bpf_fd. A result word there also clears what follows, which is 0 anyway. */
const REPLACE_FD_AT = 16;

/** `old`: the program that goes; without one the new one is added. */
function exchangePlan(directory: string, rules: DeviceRules, old: number | undefined): Plan {
  const b = new PlanBuilder(hostArch());
  const how = ABI.BPF_F_ALLOW_MULTI | (old === undefined ? 0 : ABI.BPF_F_REPLACE);
  const attach = attachAttributes(b, '{cgroup, program, CGROUP_DEVICE}', how);
  openCgroup(b, directory);
  nameProgram(b, loadProgram(b, rules));
  if (old !== undefined) openProgram(b, old, b.field(attach, REPLACE_FD_AT, 'w64', 'replaced'));
  b.step('bpf', [flags('BPF_PROG_ATTACH'), attach, BPF_ATTR_BYTES], 'let the new program decide in its place');
  return b.build();
}

function openCgroup(b: PlanBuilder, directory: string): void {
  const cgroup = b.word('cgroup');
  const open = flags('O_RDONLY', 'O_CLOEXEC');
  b.step('openat', [flags('AT_FDCWD'), b.str(directory), open], 'open the cgroup', { result: cgroup });
  nameCgroup(b, cgroup);
}

function openProgram(b: PlanBuilder, id: number, result: Word = b.word('program')): Word {
  const ask = b.space(BPF_ATTR_BYTES, `{program ${id}}`);
  b.put(ask.offset, id, 32);
  b.step('bpf', [flags('BPF_PROG_GET_FD_BY_ID'), ask, BPF_ATTR_BYTES], `open program ${id}`, { result });
  return result;
}
