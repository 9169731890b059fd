/**
 * Device rules as an eBPF program for a version 2 cgroup (bpf(2), BPF_PROG_TYPE_CGROUP_DEVICE; the context is
 * struct bpf_cgroup_dev_ctx of linux/bpf.h). Pure: rules to instructions.
 */
import type { OciDeviceRule } from '../config/schema.js';

/** linux/bpf.h: BPF_DEVCG_ACC_MKNOD, _READ, _WRITE and BPF_DEVCG_DEV_BLOCK, _CHAR. */
const ACCESS = { m: 1, r: 2, w: 4 } as const;
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
const EXIT: Instruction = { code: 0x95, dst: 0 };

const ACCESS_REG = 2;
const TYPE_REG = 3;
const MAJOR_REG = 4;
const MINOR_REG = 5;
const SCRATCH = 6;

/** The program: the last rule that fits decides, as the order of writes to devices.allow and .deny does on version 1. */
export function deviceProgram(rules: readonly OciDeviceRule[]): Uint8Array {
  const program: Instruction[] = [
    load32(ACCESS_REG, 0),
    moveReg(TYPE_REG, ACCESS_REG),
    and(TYPE_REG, 0xffff),
    shiftRight(ACCESS_REG, 16),
    load32(MAJOR_REG, 4),
    load32(MINOR_REG, 8),
  ];
  for (const rule of [...rules].reverse()) {
    program.push(...ruleInstructions(rule));
    if (rule.type === 'a' || rule.type === undefined) return encode(program); // it fits everything: what comes before it never matters
  }
  return encode([...program, move(0, 0), EXIT]);
}

function ruleInstructions(rule: OciDeviceRule): Instruction[] {
  const verdict = [move(0, rule.allow ? 1 : 0), EXIT];
  if (rule.type === 'a' || rule.type === undefined) return verdict;
  const outside =
    7 & ~[...(rule.access ?? 'rwm')].reduce((bits, letter) => bits | ACCESS[letter as keyof typeof ACCESS], 0);
  const tests: [number, number][] = [[TYPE_REG, TYPE[rule.type]]];
  const prelude: Instruction[] = [];
  if (outside !== 0) {
    prelude.push(moveReg(SCRATCH, ACCESS_REG), and(SCRATCH, outside));
    tests.push([SCRATCH, 0]);
  }
  if (rule.major !== undefined) tests.push([MAJOR_REG, rule.major]);
  if (rule.minor !== undefined) tests.push([MINOR_REG, rule.minor]);
  const jumps = tests.map(([register, value], index) =>
    jumpUnless(register, value, tests.length - 1 - index + verdict.length),
  );
  return [...prelude, ...jumps, ...verdict];
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
