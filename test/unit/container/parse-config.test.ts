import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/container/config/parse-config.js';

const config = (more: string) =>
  `{"ociVersion": "1.2.0", "root": {"path": "rootfs"}, "process": {"cwd": "/", "args": ["x"] ${more}}}`;
const parsed = (more: string) => parseConfig(config(more)).process;

describe('numbers of 64 bits', () => {
  const limits = (soft: string, hard: string) =>
    parsed(`, "rlimits": [{"type": "RLIMIT_CORE", "soft": ${soft}, "hard": ${hard}}]`).rlimits?.[0];

  it('stay as they are', () => {
    expect(limits('1', '18446744073709551615')).toEqual({ type: 'RLIMIT_CORE', soft: 1, hard: 18446744073709551615n });
    expect(limits('9007199254740993', '9007199254740993')?.soft).toBe(9007199254740993n);
  });

  it('that have more bits, or a sign where there is none, are refused by their path', () => {
    expect(() => limits('1', '18446744073709551616')).toThrow('process.rlimits[0].hard');
    expect(() => limits('-1', '1')).toThrow('process.rlimits[0].soft');
    expect(() => limits('1.5', '2')).toThrow('process.rlimits[0].soft');
  });

  it('of arguments may be negative', () => {
    const text = (value: string) =>
      `{"ociVersion": "1.2.0", "root": {"path": "r"}, "linux": {"seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls":
       [{"names": ["x"], "action": "SCMP_ACT_LOG", "args": [{"index": 0, "op": "SCMP_CMP_EQ", "value": ${value}}]}]}}}`;
    const argumentOf = (value: string) => parseConfig(text(value)).linux.seccomp?.syscalls?.[0]?.args?.[0]?.value;
    expect(['-1', '-9223372036854775808', '18446744073709551615', '2114060288'].map(argumentOf)).toEqual([
      -1,
      -9223372036854775808n,
      18446744073709551615n,
      2114060288,
    ]);
    expect(() => argumentOf('-9223372036854775809')).toThrow('linux.seccomp.syscalls[0].args[0].value');
  });
});

describe('what looks like such a number', () => {
  it('in a string stays a string, whatever it begins with', () => {
    const words = [
      '1234567890123456789',
      '#1234567890123456789',
      '##',
      'a\\"1234567890123456789',
      'x-1234567890123456',
    ];
    const text = config(
      `, "env": ${JSON.stringify(words)}, "rlimits": [{"type": "RLIMIT_CPU", "soft": 1, "hard": 12345678901234567890}]`,
    );
    const { env, rlimits } = parseConfig(text).process;
    expect(env).toEqual(words);
    expect(rlimits?.[0]?.hard).toBe(12345678901234567890n);
  });

  it('behind a point or an exponent is no integer', () => {
    expect(() => parsed(', "oomScoreAdj": 0.12345678901234567890')).toThrow('process.oomScoreAdj');
    expect(() => parsed(', "oomScoreAdj": 1234567890123456789e-5')).toThrow('process.oomScoreAdj');
  });

  it('elsewhere is a number, as near as it goes', () => {
    const text =
      '{"ociVersion": "1.2.0", "root": {"path": "r"}, "linux": {"resources": {"memory": {"limit": 9223372036854771712}}}}';
    expect(parseConfig(text).linux.resources.memory?.limit).toBe(Number(9223372036854771712n));
  });
});

it('null is the same as absent', () => {
  expect(parsed(', "rlimits": null, "capabilities": null')).toEqual({
    cwd: '/',
    args: ['x'],
    env: [],
    user: { uid: 0, gid: 0 },
  });
});

it('what the text of the specification forbids is refused by its path', () => {
  const top = (more: string) =>
    parseConfig(`{"ociVersion": "1.2.0", "root": {"path": "r"}, "process": {"cwd": "/", "args": ["x"]}, ${more}}`);
  expect(top('"annotations": {"a": ""}, "linux": {"maskedPaths": ["/a"], "readonlyPaths": []}').annotations).toEqual({
    a: '',
  });
  expect(() => top('"annotations": {"": "b"}')).toThrow('annotations');
  expect(() => top('"annotations": ["a=b"]')).toThrow('annotations');
  expect(() => top('"linux": {"sysctl": ["a=b"]}')).toThrow('linux.sysctl');
  expect(() => top('"linux": {"sysctl": {"net.x\\u0000": "1"}}')).toThrow(/linux\.sysctl.* holds a NUL byte/s);
  expect(() => top('"linux": {"netDevices": [{"name": "eth0"}]}')).toThrow('linux.netDevices');
  expect(() => top('"linux": {"maskedPaths": ["proc/kcore"]}')).toThrow('linux.maskedPaths[0]');
  expect(() => top('"linux": {"readonlyPaths": ["proc/sys"]}')).toThrow('linux.readonlyPaths[0]');
  expect(() => top('"linux": {"personality": {"domain": "LINUX", "flags": ["ADDR_NO_RANDOMIZE"]}}')).toThrow(
    'linux.personality.flags',
  );
});
