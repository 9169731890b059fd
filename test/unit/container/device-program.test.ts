// Device rules as eBPF, run by an interpreter of the seven instructions that such a program has.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultConfig } from '../../../src/container/config/default-config.js';
import type { OciDeviceRule } from '../../../src/container/config/schema.js';
import { deviceProgram } from '../../../src/container/steps/device-program.js';
import { BPF_OPCODES, DEVICE_ACCESS, LAYOUT } from '../sys/kernel-layout.js';
import { REQUEST } from './situations.js';

interface Question {
  type: 'c' | 'b';
  major: number;
  minor: number;
  /** Any of r, w and m. */
  access: string;
}

/** struct bpf_cgroup_dev_ctx: the access in the upper half of its first word, the type in the lower. */
function contextOf({ type, major, minor, access }: Question): DataView {
  const { size, fields } = LAYOUT['struct bpf_cgroup_dev_ctx'];
  const context = new DataView(new ArrayBuffer(size));
  const bits = {
    m: DEVICE_ACCESS.BPF_DEVCG_ACC_MKNOD,
    r: DEVICE_ACCESS.BPF_DEVCG_ACC_READ,
    w: DEVICE_ACCESS.BPF_DEVCG_ACC_WRITE,
  };
  const asked = [...access].reduce((all, letter) => all | bits[letter as keyof typeof bits], 0);
  const kind = type === 'c' ? DEVICE_ACCESS.BPF_DEVCG_DEV_CHAR : DEVICE_ACCESS.BPF_DEVCG_DEV_BLOCK;
  context.setUint32(fields.access_type, (asked << 16) | kind, true);
  context.setUint32(fields.major, major, true);
  context.setUint32(fields.minor, minor, true);
  return context;
}

/** Runs a program as the kernel does; throws for what its verifier refuses: a read of an unset register, a wild jump. */
function interpret(program: Uint8Array, context: DataView): bigint {
  const view = new DataView(program.buffer, program.byteOffset, program.length);
  const registers: (bigint | undefined)[] = [];
  const read = (register: number) => {
    const value = registers[register];
    if (value === undefined) throw new Error(`r${register} is read before it is set`);
    return value;
  };
  for (let at = 0; at < program.length; at += 8) {
    const code = view.getUint8(at);
    const [dst, src] = [view.getUint8(at + 1) & 15, view.getUint8(at + 1) >> 4];
    const off = view.getInt16(at + LAYOUT['struct bpf_insn'].fields.off, true);
    const imm = BigInt(view.getInt32(at + LAYOUT['struct bpf_insn'].fields.imm, true));
    if (code === BPF_OPCODES['BPF_LDX | BPF_MEM | BPF_W']) {
      if (src !== 1) throw new Error('only the context can be read');
      registers[dst] = BigInt(context.getUint32(off, true));
    } else if (code === BPF_OPCODES['BPF_ALU64 | BPF_MOV | BPF_K']) registers[dst] = BigInt.asUintN(64, imm);
    else if (code === BPF_OPCODES['BPF_ALU64 | BPF_MOV | BPF_X']) registers[dst] = read(src);
    else if (code === BPF_OPCODES['BPF_ALU64 | BPF_AND | BPF_K']) registers[dst] = read(dst) & BigInt.asUintN(64, imm);
    else if (code === BPF_OPCODES['BPF_ALU64 | BPF_RSH | BPF_K']) registers[dst] = read(dst) >> imm;
    else if (code === BPF_OPCODES['BPF_JMP | BPF_JNE | BPF_K']) {
      if (off < 0) throw new Error('a loop');
      if (read(dst) !== BigInt.asUintN(64, imm)) at += off * 8;
    } else if (code === BPF_OPCODES['BPF_JMP | BPF_EXIT']) return read(0);
    else throw new Error(`unknown instruction 0x${code.toString(16)}`);
  }
  throw new Error('the program runs off its end');
}

/** The meaning of rules, said without a program: the last one that covers the whole question decides. */
function decide(rules: readonly OciDeviceRule[], asked: Question): boolean {
  const covers = (rule: OciDeviceRule) =>
    rule.type === 'a' ||
    (rule.type === asked.type &&
      [...asked.access].every((letter) => (rule.access ?? 'rwm').includes(letter)) &&
      (rule.major ?? asked.major) === asked.major &&
      (rule.minor ?? asked.minor) === asked.minor);
  return rules.findLast(covers)?.allow ?? false;
}

const allowed = (rules: readonly OciDeviceRule[], asked: Question) =>
  interpret(deviceProgram(rules), contextOf(asked)) === 1n;

describe('the device program of a default container', () => {
  const rules = defaultConfig(REQUEST).linux.resources.devices ?? [];

  it.each([
    ['/dev/null', 'c', 1, 3, 'rw', true],
    ['/dev/null made', 'c', 1, 3, 'rwm', true],
    ['/dev/zero', 'c', 1, 5, 'r', true],
    ['/dev/full', 'c', 1, 7, 'w', true],
    ['/dev/random', 'c', 1, 8, 'r', true],
    ['/dev/urandom', 'c', 1, 9, 'r', true],
    ['/dev/tty', 'c', 5, 0, 'rw', true],
    ['/dev/console', 'c', 5, 1, 'rw', true],
    ['/dev/ptmx', 'c', 5, 2, 'rw', true],
    ['/dev/pts/7', 'c', 136, 7, 'rw', true],
    ['/dev/mem', 'c', 1, 1, 'r', false],
    ['/dev/mem made, which opens nothing', 'c', 1, 1, 'm', true],
    ['/dev/port', 'c', 1, 4, 'w', false],
    ['/dev/kmsg', 'c', 1, 11, 'r', false],
    ['/dev/kvm', 'c', 10, 232, 'rw', false],
    ['/dev/sda', 'b', 8, 0, 'r', false],
    ['/dev/sda made', 'b', 8, 0, 'm', true],
    ['/dev/sda made and read', 'b', 8, 0, 'rm', false],
    ['a block device with the number of /dev/null', 'b', 1, 3, 'r', false],
    ['/dev/tty1', 'c', 4, 1, 'r', false],
  ] as const)('%s', (_, type, major, minor, access, expected) => {
    expect(allowed(rules, { type, major, minor, access })).toBe(expected);
    expect(decide(rules, { type, major, minor, access })).toBe(expected);
  });
});

describe('deviceProgram', () => {
  it('denies everything when there is no rule', () => {
    expect(allowed([], { type: 'c', major: 1, minor: 3, access: 'r' })).toBe(false);
  });

  it('stays below the 4096 instructions that the kernel always accepts', () => {
    const rules = Array.from(
      { length: 300 },
      (_, major): OciDeviceRule => ({ allow: true, type: 'c', major, minor: 1, access: 'r' }),
    );
    expect(deviceProgram(rules).length / 8).toBeLessThan(4096);
  });

  it('says what its rules say (property)', () => {
    const small = fc.integer({ min: 0, max: 3 });
    const access = fc.constantFrom('r', 'w', 'm', 'rw', 'rm', 'wm', 'rwm');
    const rule = fc
      .record({
        allow: fc.boolean(),
        type: fc.constantFrom('a' as const, 'b' as const, 'c' as const, 'c' as const),
        major: fc.option(small, { nil: undefined }),
        minor: fc.option(small, { nil: undefined }),
        access,
      })
      .map(({ major, minor, ...rest }): OciDeviceRule => {
        return { ...rest, ...(major === undefined ? {} : { major }), ...(minor === undefined ? {} : { minor }) };
      });
    const question = fc.record({
      type: fc.constantFrom('b' as const, 'c' as const),
      major: small,
      minor: small,
      access,
    });
    let yes = 0;
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 8 }), question, (rules, asked) => {
        const expected = decide(rules, asked);
        if (expected) yes++;
        expect(allowed(rules, asked)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
    expect(yes).toBeGreaterThan(200);
  });
});
