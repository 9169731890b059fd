/** Runs a system-call filter as the kernel does (Documentation/userspace-api/seccomp_filter.rst), one question at a time. */
import { type Instruction, OPCODES } from '../../../../src/container/seccomp/classic-bpf.js';

export interface Question {
  architecture: number;
  number: number;
  args?: readonly bigint[];
}

/** struct seccomp_data: number, architecture, instruction pointer, six arguments. */
function dataOf({ architecture, number, args = [] }: Question): DataView {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, number, true);
  data.setUint32(4, architecture, true);
  for (let index = 0; index < 6; index++) {
    data.setBigUint64(16 + index * 8, BigInt.asUintN(64, args[index] ?? 0n), true);
  }
  return data;
}

/** The action. Throws for what the kernel would refuse: a jump out of the program, an unknown instruction. */
export function decide(program: readonly Instruction[], question: Question): number {
  const data = dataOf(question);
  let accumulator = 0;
  for (let at = 0; ; ) {
    const instruction = program[at];
    if (!instruction) throw new Error(`no instruction ${at} of ${program.length}`);
    const { code, jt, jf, k } = instruction;
    if (jt < 0 || jf < 0 || jt > 255 || jf > 255) throw new Error(`instruction ${at} jumps by ${jt} or ${jf}`);
    const branch = (holds: boolean) => {
      at += 1 + (holds ? jt : jf);
    };
    if (code === OPCODES.give) return k;
    if (code === OPCODES.load) [accumulator, at] = [data.getUint32(k, true), at + 1];
    else if (code === OPCODES.and) [accumulator, at] = [(accumulator & k) >>> 0, at + 1];
    else if (code === OPCODES.jump) at += 1 + k;
    else if (code === OPCODES.equal) branch(accumulator === k);
    else if (code === OPCODES.greater) branch(accumulator > k);
    else if (code === OPCODES.greaterOrEqual) branch(accumulator >= k);
    else if (code === OPCODES.anyBit) branch((accumulator & k) !== 0);
    else throw new Error(`unknown instruction 0x${code.toString(16)}`);
  }
}

/** AUDIT_ARCH_… of linux/audit.h. */
export const AUDIT = { x86_64: 0xc000003e, x86: 0x40000003, aarch64: 0xc00000b7, arm: 0x40000028 } as const;
