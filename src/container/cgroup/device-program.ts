/**
 * Device rules as an eBPF program for a version 2 cgroup (bpf(2), BPF_PROG_TYPE_CGROUP_DEVICE; the context is
 * struct bpf_cgroup_dev_ctx of linux/bpf.h). Pure: rules to instructions.
 */
import type { DeviceRule, DeviceRules } from './device-rules.js';

/** linux/bpf.h: BPF_DEVCG_ACC_MKNOD, _READ, _WRITE and BPF_DEVCG_DEV_BLOCK, _CHAR. */
const ACCESS = { m: 1, r: 2, w: 4 } as const;
const EVERY_ACCESS = 7;
const TYPE = { b: 1, c: 2 } as const;

/** struct bpf_insn: opcode, registers, jump distance, immediate. */
interface Instruction {
  code: number;
  dst: number;
  src?: number;
  off?: number;
  imm?: number;
}

const load32 = (dst: number, off: number): Instruction => ({ code: 0x61, dst, src: 1, off });
const move = (dst: number, imm: number): Instruction => ({ code: 0xb7, dst, imm });
const moveReg = (dst: number, src: number): Instruction => ({ code: 0xbf, dst, src });
const and = (dst: number, imm: number): Instruction => ({ code: 0x57, dst, imm });
const shiftRight = (dst: number, imm: number): Instruction => ({ code: 0x77, dst, imm });
const jumpUnless = (dst: number, imm: number, off: number): Instruction => ({ code: 0x55, dst, imm, off });
const jumpIf = (dst: number, imm: number, off: number): Instruction => ({ code: 0x15, dst, imm, off });
const EXIT: Instruction = { code: 0x95, dst: 0 };
const ALLOW = [move(0, 1), EXIT];
const DENY = [move(0, 0), EXIT];

const TYPE_REG = 3;
const MAJOR_REG = 4;
const MINOR_REG = 5;
const SCRATCH = 6;
/** The accesses that are asked for and not yet granted by a rule. */
const OPEN_REG = 2;

/**
 * The program reads the rules from the last to the first. A rule that allows settles its accesses; one that denies ends it
 * when one of its accesses is still open. So each access is decided by the last rule that names it, and all must be granted.
 */
export function deviceProgram({ others, rules }: DeviceRules): Uint8Array {
  const program: Instruction[] = [
    load32(OPEN_REG, 0),
    moveReg(TYPE_REG, OPEN_REG),
    and(TYPE_REG, 0xffff),
    shiftRight(OPEN_REG, 16),
    load32(MAJOR_REG, 4),
    load32(MINOR_REG, 8),
  ];
  for (const rule of [...rules].reverse()) program.push(...ruleInstructions(rule));
  return encode([...program, ...(others === 'allowed' ? ALLOW : DENY)]);
}

function ruleInstructions(rule: DeviceRule): Instruction[] {
  const accesses = [...rule.access].reduce((bits, letter) => bits | ACCESS[letter as keyof typeof ACCESS], 0);
  const tests: [number, number][] = [[TYPE_REG, TYPE[rule.type]]];
  if (rule.major !== undefined) tests.push([MAJOR_REG, rule.major]);
  if (rule.minor !== undefined) tests.push([MINOR_REG, rule.minor]);
  const verdict = rule.allow ? grant(accesses) : refuse(accesses);
  const toNext = (index: number) => tests.length - 1 - index + verdict.length;
  return [...tests.map(([register, value], index) => jumpUnless(register, value, toNext(index))), ...verdict];
}

function grant(accesses: number): Instruction[] {
  if (accesses === EVERY_ACCESS) return ALLOW;
  return [and(OPEN_REG, EVERY_ACCESS & ~accesses), jumpUnless(OPEN_REG, 0, ALLOW.length), ...ALLOW];
}

/** Something is always open here, so a rule of all accesses needs no look. */
function refuse(accesses: number): Instruction[] {
  if (accesses === EVERY_ACCESS) return DENY;
  return [moveReg(SCRATCH, OPEN_REG), and(SCRATCH, accesses), jumpIf(SCRATCH, 0, DENY.length), ...DENY];
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  program.forEach(({ code, dst, src = 0, off = 0, imm = 0 }, index) => {
    view.setUint8(index * 8, code);
    view.setUint8(index * 8 + 1, dst | (src << 4));
    view.setInt16(index * 8 + 2, off, true);
    view.setInt32(index * 8 + 4, imm, true);
  });
  return bytes;
}
