/** Classic BPF as seccomp(2) takes it (linux/filter.h, linux/bpf_common.h, linux/seccomp.h). Pure. */

/** struct sock_filter. Jumps are counted from the next instruction. */
export interface Instruction {
  code: number;
  /** Where a comparison goes on that holds, and one that does not. */
  jt: number;
  jf: number;
  k: number;
}

export const INSTRUCTION_BYTES = 8;
/** BPF_MAXINSNS. */
export const MAX_INSTRUCTIONS = 4096;

export const OPCODES = {
  /** BPF_LD | BPF_W | BPF_ABS: a 32-bit word of struct seccomp_data. */
  load: 0x20,
  /** BPF_ALU | BPF_AND | BPF_K. */
  and: 0x54,
  /** BPF_JMP | BPF_JA. */
  jump: 0x05,
  equal: 0x15,
  greater: 0x25,
  greaterOrEqual: 0x35,
  /** BPF_JMP | BPF_JSET | BPF_K. */
  anyBit: 0x45,
  /** BPF_RET | BPF_K. */
  give: 0x06,
} as const;

/** struct seccomp_data. */
export const NUMBER_AT = 0;
export const ARCHITECTURE_AT = 4;

/** SECCOMP_RET_… */
export const RETURNS = {
  ERRNO: 0x00050000,
  /** The lower half is the action's own. */
  DATA: 0xffff,
} as const;

export const isComparison = ({ code }: Instruction) => (code & 7) === 5 && code !== OPCODES.jump;

export function decodeProgram(bytes: Uint8Array): Instruction[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / INSTRUCTION_BYTES }, (_, index) => {
    const at = index * INSTRUCTION_BYTES;
    return {
      code: view.getUint16(at, true),
      jt: view.getUint8(at + 2),
      jf: view.getUint8(at + 3),
      k: view.getUint32(at + 4, true),
    };
  });
}

export function encodeProgram(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * INSTRUCTION_BYTES);
  const view = new DataView(bytes.buffer);
  program.forEach(({ code, jt, jf, k }, index) => {
    const at = index * INSTRUCTION_BYTES;
    view.setUint16(at, code, true);
    view.setUint8(at + 2, jt);
    view.setUint8(at + 3, jf);
    view.setUint32(at + 4, k, true);
  });
  return bytes;
}
