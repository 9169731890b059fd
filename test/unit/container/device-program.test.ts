// Device rules: what they mean, as eBPF run by an interpreter of the eight instructions that such a program has, and as lines
// for the version 1 controller played by a model of it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deviceProgram } from '../../../src/container/cgroup/device-program.js';
import {
  type DeviceLine,
  type DeviceList,
  deviceLines,
  deviceList,
  deviceRules,
  EVERYTHING,
  parseDeviceList,
} from '../../../src/container/cgroup/device-rules.js';
import { defaultConfig } from '../../../src/container/config/default-config.js';
import type { OciDeviceRule } from '../../../src/container/config/schema.js';
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
    else if (code === BPF_OPCODES['BPF_JMP | BPF_JNE | BPF_K'] || code === BPF_OPCODES['BPF_JMP | BPF_JEQ | BPF_K']) {
      if (off < 0) throw new Error('a loop');
      const equal = read(dst) === BigInt.asUintN(64, imm);
      if (equal === (code === BPF_OPCODES['BPF_JMP | BPF_JEQ | BPF_K'])) at += off * 8;
    } else if (code === BPF_OPCODES['BPF_JMP | BPF_EXIT']) return read(0);
    else throw new Error(`unknown instruction 0x${code.toString(16)}`);
  }
  throw new Error('the program runs off its end');
}

/** The meaning of rules, said without a program: of each access the last rule decides that names it; all must be allowed. */
function decide(rules: readonly OciDeviceRule[], asked: Question): boolean {
  const fits = (wanted: number | undefined, number: number) => wanted === undefined || wanted < 0 || wanted === number;
  return [...asked.access].every((letter) => {
    const names = (rule: OciDeviceRule) =>
      (rule.type === undefined || rule.type === 'a' || rule.type === asked.type) &&
      (rule.access || 'rwm').includes(letter) &&
      fits(rule.major, asked.major) &&
      fits(rule.minor, asked.minor);
    return rules.findLast(names)?.allow ?? false;
  });
}

const rulesOf = (rules: readonly OciDeviceRule[]) => deviceRules(rules);
/** What the program says to rules alone, without those that every container has. */
const allowed = (rules: readonly OciDeviceRule[], asked: Question) => {
  const { others, rules: all } = rulesOf(rules);
  const configured = all.filter(({ from }) => from !== 'linux.resources.devices');
  return interpret(deviceProgram({ others, rules: configured }), contextOf(asked)) === 1n;
};

describe('the device program of a default container', () => {
  const rules = rulesOf(defaultConfig(REQUEST).linux.resources.devices ?? []);
  const list = play(deviceLines(deviceList(rules), EVERYTHING), EVERYTHING);

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
    const asked = { type, major, minor, access };
    expect(interpret(deviceProgram(rules), contextOf(asked)) === 1n).toBe(expected);
    expect(askList(list, asked)).toBe(expected);
  });

  it('is the same when no rule is configured, or only the one that engines write', () => {
    for (const configured of [undefined, [], [{ allow: false, access: 'rwm' }]]) {
      expect(deviceRules(configured)).toEqual(rules);
    }
  });
});

describe('deviceRules', () => {
  it('lets everything through where a rule for all is the last one', () => {
    const rules = rulesOf([
      { allow: false, type: 'c', major: 1 },
      { allow: true, access: 'rwm' },
    ]);
    expect(rules).toEqual({ others: 'allowed', rules: [] });
    expect(deviceLines(deviceList(rules), EVERYTHING)).toEqual([]);
  });

  it('names the rule in the list', () => {
    const { rules } = rulesOf([{ allow: false }, { allow: true, type: 'c', major: 10, minor: 229, access: 'rw' }]);
    expect(rules[0]?.from).toBe('linux.resources.devices[1]');
  });

  it('takes -1 as every number, and a rule of all types with a number as one for each', () => {
    const { others, rules } = rulesOf([{ allow: true, type: 'a', major: 7, minor: -1, access: 'r' }]);
    expect(others).toBe('denied');
    expect(rules.slice(0, 2)).toMatchObject([
      { type: 'b', major: 7, minor: undefined },
      { type: 'c', major: 7, minor: undefined },
    ]);
  });
});

describe('deviceProgram', () => {
  it('denies what no rule names', () => {
    expect(allowed([], { type: 'c', major: 1, minor: 3, access: 'r' })).toBe(false);
  });

  it('refuses to open for both what it refuses to open for writing', () => {
    const rules: OciDeviceRule[] = [
      { allow: true, type: 'c', major: 1, minor: 1, access: 'rwm' },
      { allow: false, type: 'c', major: 1, minor: 1, access: 'w' },
    ];
    const ask = (access: string) => allowed(rules, { type: 'c', major: 1, minor: 1, access });
    expect(['r', 'w', 'rw', 'm', 'rm', 'wm'].map(ask)).toEqual([true, false, false, true, true, false]);
  });

  it('adds up what several rules allow', () => {
    const rules: OciDeviceRule[] = [
      { allow: true, type: 'c', major: 1, access: 'r' },
      { allow: true, type: 'c', major: 1, minor: 1, access: 'w' },
    ];
    expect(allowed(rules, { type: 'c', major: 1, minor: 1, access: 'rw' })).toBe(true);
    expect(allowed(rules, { type: 'c', major: 1, minor: 2, access: 'rw' })).toBe(false);
  });

  it('stays below the 4096 instructions that the kernel always accepts', () => {
    const rules = Array.from(
      { length: 300 },
      (_, major): OciDeviceRule => ({ allow: true, type: 'c', major, minor: 1, access: 'r' }),
    );
    expect(deviceProgram(rulesOf(rules)).length / 8).toBeLessThan(4096);
  });

  it('says what its rules say (property)', () => {
    let yes = 0;
    fc.assert(
      fc.property(fc.array(RULE, { maxLength: 8 }), QUESTION, (rules, asked) => {
        const expected = decide(rules, asked);
        if (expected) yes++;
        expect(allowed(rules, asked)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
    expect(yes).toBeGreaterThan(200);
  });
});

const small = fc.integer({ min: 0, max: 3 });
const access = fc.constantFrom('r', 'w', 'm', 'rw', 'rm', 'wm', 'rwm');
const number = fc.option(fc.oneof(small, fc.constant(-1)), { nil: undefined });
const RULE = fc
  .record({
    allow: fc.boolean(),
    type: fc.constantFrom(undefined, 'a' as const, 'b' as const, 'c' as const, 'c' as const),
    major: number,
    minor: number,
    access: fc.option(access, { nil: undefined }),
  })
  .map((rule) => JSON.parse(JSON.stringify(rule)) as OciDeviceRule);
const QUESTION = fc.record({ type: fc.constantFrom('b' as const, 'c' as const), major: small, minor: small, access });

/** What the controller of version 1 does with lines: kernel Documentation/admin-guide/cgroup-v1/devices.rst. */
function play(lines: readonly DeviceLine[], from: DeviceList): DeviceList {
  let { others } = from;
  let exceptions = new Map([...from.exceptions].map(([key, accesses]) => [key, new Set(accesses)]));
  for (const { file, text } of lines) {
    const allow = file === 'devices.allow';
    if (text === 'a') {
      others = allow ? 'allowed' : 'denied';
      exceptions = new Map();
      continue;
    }
    const [, key = '', letters = ''] = /^(\S+ \S+) (\S+)$/.exec(text) ?? [];
    const held = exceptions.get(key) ?? new Set<string>();
    // An exception is taken back only where it was made for exactly the same numbers.
    for (const letter of letters) {
      if (allow === (others === 'denied')) held.add(letter);
      else held.delete(letter);
    }
    exceptions.set(key, held);
    if (held.size === 0) exceptions.delete(key);
  }
  return { others, exceptions };
}

/** A single exception must cover all that is asked for; of denying ones, one that covers anything is enough. */
function askList({ others, exceptions }: DeviceList, { type, major, minor, access: asked }: Question): boolean {
  const fitting = [...exceptions].filter(([key]) => {
    const [ofType, ofMajor, ofMinor] = key.split(/[ :]/);
    return (
      ofType === type && ['*', String(major)].includes(ofMajor ?? '') && ['*', String(minor)].includes(ofMinor ?? '')
    );
  });
  if (others === 'denied') return fitting.some(([, held]) => [...asked].every((letter) => held.has(letter)));
  return !fitting.some(([, held]) => [...asked].some((letter) => held.has(letter)));
}

describe('the list of version 1', () => {
  it('refuses a rule that takes something out of a wider one, by its path', () => {
    const rules: OciDeviceRule[] = [
      { allow: false },
      { allow: true, type: 'c', major: 10 },
      { allow: false, type: 'c', major: 10, minor: 232 },
    ];
    expect(() => deviceList(rulesOf(rules))).toThrow(
      'linux.resources.devices[2] takes something out of the wider rule c 10:*',
    );
  });

  it('says what the rules say of each access, or refuses them (property)', () => {
    let [yes, refused] = [0, 0];
    fc.assert(
      fc.property(fc.array(RULE, { maxLength: 5 }), QUESTION, (rules, question) => {
        const asked = { ...question, access: question.access.slice(0, 1) };
        const { others, rules: all } = rulesOf(rules);
        const configured = { others, rules: all.filter(({ from }) => from !== 'linux.resources.devices') };
        let list: DeviceList;
        try {
          list = deviceList(configured);
        } catch {
          refused++;
          return;
        }
        const expected = decide(rules, asked);
        if (expected) yes++;
        expect(askList(play(deviceLines(list, EVERYTHING), EVERYTHING), asked)).toBe(expected);
      }),
      { numRuns: 3000 },
    );
    expect(yes).toBeGreaterThan(300);
    expect(refused).toBeLessThan(1500);
  });

  it('is changed by its differences only, so that a running container keeps what stays (property)', () => {
    fc.assert(
      fc.property(fc.array(RULE, { maxLength: 5 }), fc.array(RULE, { maxLength: 5 }), (before, after) => {
        let lists: [DeviceList, DeviceList];
        try {
          lists = [deviceList(rulesOf(before)), deviceList(rulesOf(after))];
        } catch {
          return;
        }
        const [now, wanted] = lists;
        const lines = deviceLines(wanted, now);
        expect(play(lines, now)).toEqual(wanted);
        if (now.others === wanted.others) expect(lines.map(({ text }) => text)).not.toContain('a');
      }),
      { numRuns: 2000 },
    );
  });

  it('is read back from devices.list', () => {
    expect(parseDeviceList('a *:* rwm\n')).toBe(undefined);
    expect(parseDeviceList('c 1:3 rw\nb *:* m\n')).toEqual({
      others: 'denied',
      exceptions: new Map([
        ['c 1:3', new Set(['r', 'w'])],
        ['b *:*', new Set(['m'])],
      ]),
    });
  });
});
