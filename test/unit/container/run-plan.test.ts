// Container plans as people read them, compared with golden files: what `vlab run --show-plan` prints is a lesson, and any
// change of it should be seen. Pure: the machine is written by hand.
import { describe, expect, it } from 'vitest';
import type { ContainerRequest } from '../../../src/container/config/default-config.js';
import type { Situation } from '../../../src/container/situation.js';
import { flags } from '../../../src/sys/abi.js';
import { encodePlan } from '../../../src/sys/encode.js';
import type { Arg, Plan } from '../../../src/sys/plan.js';
import { showPlan } from '../../../src/sys/show.js';
import { LAYOUT } from '../sys/kernel-layout.js';
import { LIMITS, planFor, SITUATIONS } from './situations.js';

const CASES: Record<string, [Situation, Partial<ContainerRequest>]> = {
  'hybrid-default': [SITUATIONS.hybrid, {}],
  'hybrid-limits': [SITUATIONS.hybrid, LIMITS],
  'hybrid-terminal': [SITUATIONS.hybrid, { terminal: true }],
  'hybrid-read-only': [SITUATIONS.hybrid, { readonlyRoot: true, hostname: 'box', cwd: '/tmp', command: ['/probe'] }],
  'v2-limits': [SITUATIONS.v2, LIMITS],
  'rootless-default': [SITUATIONS.rootless, {}],
};

describe('the plan of vlab run', () => {
  for (const [name, [situation, request]] of Object.entries(CASES)) {
    it(name, async () => {
      const plan = planFor(situation, request);
      await expect(showPlan(plan)).toMatchFileSnapshot(`golden/${name}.txt`);
      expect(encodePlan(plan, 1n).length).toBeLessThan(64 << 10);
    });
  }

  it('is the same steps on both architectures', () => {
    const onArm = { ...SITUATIONS.hybrid, arch: 'aarch64' as const };
    expect(showPlan(planFor(onArm))).toBe(showPlan(planFor(SITUATIONS.hybrid)));
  });

  it.each(Object.entries(CASES))(
    'gives each reason once in a breath: every step has one (%s)',
    (_, [situation, more]) => {
      const reasons = planFor(situation, more).steps.map(({ why }) => why);
      expect(reasons.filter((why) => why.length < 5 || why.length > 80)).toEqual([]);
    },
  );

  it.each([
    ['linux.resources.memory.limit needs the memory controller', { memoryBytes: 1 << 20 }],
    ['linux.resources.cpu.period needs the cpu controller', { cpus: 1 }],
    ['linux.resources.pids.limit needs the pids controller', { pids: 1 }],
  ])('a limit that nothing here can set is refused: %s', (message, request) => {
    expect(() => planFor(SITUATIONS.rootless, request)).toThrow(message);
  });
});

/** An argument's 64-bit words in the image. */
function structure(plan: Plan, arg: Arg | undefined, bytes: number): DataView {
  if (arg?.kind !== 'addr') throw new Error('this argument is no address');
  const image = new Uint8Array(plan.imageBytes);
  image.set(plan.data);
  return new DataView(image.buffer, arg.offset, bytes);
}

describe('structures in the image', () => {
  const plan = planFor(SITUATIONS.v2, { ...LIMITS, terminal: true });
  const step = (call: string, nth = 0) => plan.steps.filter((one) => one.call === call)[nth];
  const stepOf = (call: string, why: RegExp) => plan.steps.find((one) => one.call === call && why.test(one.why));

  it('clone_args: flags, pidfd and pid pointers, SIGCHLD, and the cgroup that an earlier step opened', () => {
    const { size, fields } = LAYOUT['struct clone_args'];
    const args = structure(plan, step('clone3')?.args[0], size);
    const namespaces = ['PID', 'NET', 'NS', 'IPC', 'UTS', 'CGROUP'].map((name) => `CLONE_NEW${name}` as 'CLONE_NEWPID');
    const expected = flags('CLONE_PIDFD', 'CLONE_PARENT_SETTID', 'CLONE_INTO_CGROUP', 'CLONE_VM', ...namespaces);
    expect(args.getBigUint64(fields.flags, true)).toBe(expected.value);
    expect(args.getBigUint64(fields.exit_signal, true)).toBe(17n);
    expect(plan.relocations).toContain(args.byteOffset + fields.pidfd);
    expect(plan.relocations).toContain(args.byteOffset + fields.parent_tid);
    expect(stepOf('openat', /hold the cgroup/)?.result?.offset).toBe(args.byteOffset + fields.cgroup);
    expect(step('clone3')?.args[1]).toMatchObject({ value: BigInt(size) });
  });

  it('open_how: looked up below the root, through no magic link', () => {
    const { size, fields } = LAYOUT['struct open_how'];
    const { args = [] } = planFor(SITUATIONS.rootless).steps.find(({ call }) => call === 'openat2') ?? {};
    const how = structure(planFor(SITUATIONS.rootless), args[2], size);
    expect(how.getBigUint64(fields.resolve, true)).toBe(0x12n);
    expect(how.getBigUint64(fields.mode, true)).toBe(0n);
    expect(args[3]).toMatchObject({ value: BigInt(size) });
  });

  it('mount_attr: read-only is set and nothing cleared', () => {
    const { size, fields } = LAYOUT['struct mount_attr'];
    const { args = [] } = step('mount_setattr') ?? {};
    const attr = structure(plan, args[3], size);
    expect(attr.getBigUint64(fields.attr_set, true)).toBe(1n);
    expect(attr.getBigUint64(fields.attr_clr, true)).toBe(0n);
    expect(args[4]).toMatchObject({ value: BigInt(size) });
  });

  it('ifreq: lo comes up', () => {
    const { size, fields } = LAYOUT['struct ifreq'];
    const request = structure(plan, stepOf('ioctl', /loopback/)?.args[2], size);
    const name = String.fromCharCode(request.getUint8(0), request.getUint8(1));
    expect([name, request.getUint8(2), request.getUint16(fields.ifr_flags, true)]).toEqual(['lo', 0, 1]);
  });

  it('capset: version 3, and the default capabilities in both permitted and effective, none inheritable', () => {
    const { args = [] } = step('capset') ?? {};
    expect(structure(plan, args[0], 8).getUint32(0, true)).toBe(0x20080522);
    const data = structure(plan, args[1], 2 * LAYOUT['struct __user_cap_data_struct'].size);
    const words = [0, 1, 2, 3, 4, 5].map((index) => data.getUint32(index * 4, true));
    // The mask that docker's default set has everywhere.
    expect(words).toEqual([0xa80425fb, 0xa80425fb, 0, 0, 0, 0]);
  });

  it('msghdr: one byte, and one descriptor in a control message', () => {
    const message = LAYOUT['struct msghdr'];
    const view = structure(plan, step('sendmsg')?.args[1], message.size);
    expect(view.getBigUint64(message.fields.msg_iovlen, true)).toBe(1n);
    expect(view.getBigUint64(message.fields.msg_controllen, true)).toBe(24n);
    const control = Number(view.getBigUint64(message.fields.msg_control, true));
    const header = structure(plan, { kind: 'addr', offset: control, text: '' }, 24);
    expect(header.getBigUint64(LAYOUT['struct cmsghdr'].fields.cmsg_len, true)).toBe(20n);
    expect(stepOf('openat2', /new terminal/)?.result?.offset).toBe(control + LAYOUT['struct cmsghdr'].size);
  });

  it('bpf_attr: a device program with its length and licence, attached beside others', () => {
    const { fields } = LAYOUT['union bpf_attr'];
    const load = structure(plan, step('bpf')?.args[1], 128);
    expect(load.getUint32(fields.prog_type, true)).toBe(15);
    expect(load.getUint32(fields.insn_cnt, true)).toBeGreaterThan(20);
    const attach = structure(plan, step('bpf', 1)?.args[1], 128);
    const dups = plan.steps.filter(
      ({ call, args: [, to] }) => call === 'dup3' && to?.kind === 'num' && to.value >= 1000n,
    );
    expect(dups.map(({ args: [, to] }) => to?.kind === 'num' && Number(to.value))).toEqual([
      attach.getUint32(fields.target_fd, true),
      attach.getUint32(fields.attach_bpf_fd, true),
    ]);
    expect(attach.getUint32(fields.attach_type, true)).toBe(6);
    expect(attach.getUint32(fields.attach_flags, true)).toBe(2);
  });
});
