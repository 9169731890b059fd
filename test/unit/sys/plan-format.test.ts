// docs/plan-format.md against the C source (compiled), the encoder, and its own worked example. Needs a C compiler.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHANNEL_FD, FRAME_BYTES } from '../../../src/sys/channel.js';
import * as encode from '../../../src/sys/encode.js';
import { nativeSource } from '../../../src/sys/native.js';
import { showPlan } from '../../../src/sys/show.js';
import { valuesOfC } from './compile-c.js';
import { EXAMPLE_VERSION, notePlan } from './example-plans.js';
import { hexDump } from './hex-dump.js';

const document = readFileSync(resolve(import.meta.dirname, '../../../docs/plan-format.md'), 'utf8');

/** The rows below the table head that begins so. */
function table(head: string): string[][] {
  const from = document.indexOf(`\n${head}`);
  if (from < 0) throw new Error(`the document has no table ${head}`);
  const lines = document.slice(from + 1).split('\n');
  const end = lines.findIndex((line) => !line.startsWith('|'));
  return lines.slice(2, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** The table of fields below a heading or sentence. */
function fieldsBelow(text: string): { offset: number; bytes: number; field: string }[] {
  const section = document.slice(document.indexOf(text));
  const rows = section.slice(section.indexOf('| 0 |')).split('\n\n')[0]?.split('\n') ?? [];
  return rows.map((row) => {
    const [offset, bytes, field = ''] = row
      .split('|')
      .slice(1)
      .map((cell) => cell.trim());
    return { offset: Number(offset), bytes: Number(bytes), field };
  });
}

const STRUCTURES = {
  head: fieldsBelow('### Head'),
  step: fieldsBelow('### Step'),
  frame: fieldsBelow('## The channel'),
};
const limits = table('| limit |').map(([, value, inC = '', inTypeScript = '']) => ({
  value: Number(value),
  inC,
  inTypeScript,
}));
const kinds = table('| kind |');
const flagRows = table('| flag |');
const frames = table('| frame |');

const CONSTANTS = [
  ...limits.map(({ inC }) => inC),
  ...kinds.map(([name = '']) => name),
  ...flagRows.map(([name = '']) => name),
  ...['MAGIC', 'LAST_WORD', 'ALL_FLAGS', 'ENDED', 'REJECTED', 'REFUSED', 'NO_RESULT', 'CHANNEL', 'IDLE_MS'],
];
const program = `
#define VLAB_HOSTED
#define VLAB_VERSION 1UL
#define VLAB_MACHINE 62
#include ${JSON.stringify(nativeSource('vlab-init'))}
long sys6(long n, long a, long b, long c, long d, long e, long f) { return n + a + b + c + d + e + f; }
long spawn(long n, long a, long b, long c, long d, long e, long f) { return sys6(n, a, b, c, d, e, f); }
int printf(const char *, ...);
int main(void) {
  (void)serve; (void)one_plan;
${CONSTANTS.map((name) => `  printf("${name} %ld\\n", (long)${name});`).join('\n')}
${Object.entries(STRUCTURES)
  .flatMap(([name, fields]) => [
    `  printf("${name} %ld\\n", (long)sizeof(struct ${name}));`,
    ...fields.flatMap(({ field }) => [
      `  printf("${name}.${field} %ld\\n", (long)__builtin_offsetof(struct ${name}, ${field}));`,
      `  printf("${name}.${field}.bytes %ld\\n", (long)sizeof(((struct ${name} *)0)->${field}));`,
    ]),
  ])
  .join('\n')}
}`;

describe('docs/plan-format.md', () => {
  const inC = valuesOfC(program, ['-w']);

  it('has every field of the structures at its place', () => {
    const sizes = {
      head: encode.HEAD_BYTES,
      step: encode.STEP_BYTES,
      frame: FRAME_BYTES,
    };
    for (const [name, fields] of Object.entries(STRUCTURES)) {
      expect(fields.length, name).toBeGreaterThanOrEqual(7);
      let end = 0;
      for (const { offset, bytes, field } of fields) {
        expect(offset, `${name}.${field} follows the field before it`).toBe(end);
        expect(inC.get(`${name}.${field}`), `${name}.${field}`).toBe(BigInt(offset));
        expect(inC.get(`${name}.${field}.bytes`), `${name}.${field}`).toBe(BigInt(bytes));
        end = offset + bytes;
      }
      expect(inC.get(name), name).toBe(BigInt(end));
      expect(sizes[name as keyof typeof sizes], name).toBe(end);
    }
    expect(document).toContain(`| head | ${encode.HEAD_BYTES} |`);
    expect(document).toContain(`| steps | ${encode.STEP_BYTES} each |`);
  });

  it('gives the limits of the C source and of the encoder', () => {
    expect(limits).toHaveLength(4);
    for (const { value, inC: name, inTypeScript } of limits) {
      expect(inC.get(name), name).toBe(BigInt(value));
      expect((encode as Record<string, unknown>)[inTypeScript], inTypeScript).toBe(value);
    }
  });

  it('gives kinds, flags and frames as the C source has them', () => {
    expect(kinds).toHaveLength(4);
    expect(flagRows).toHaveLength(3);
    for (const [name = '', value = ''] of [...kinds, ...flagRows]) expect(inC.get(name), name).toBe(BigInt(value));
    expect(flagRows.reduce((all, [, value]) => all | BigInt(value ?? ''), 0n)).toBe(inC.get('ALL_FLAGS'));
    expect(frames.map(([name, type]) => [name, BigInt(type ?? '')])).toEqual([
      ['note', 1n],
      ['ended', inC.get('ENDED')],
      ['rejected', inC.get('REJECTED')],
      ['refused', inC.get('REFUSED')],
    ]);
    expect(inC.get('MAGIC')).toBe(BigInt(encode.PLAN_MAGIC));
    expect(document).toContain(`0x${encode.PLAN_MAGIC.toString(16)}`);
    expect(inC.get('LAST_WORD')).toBe(BigInt(encode.LAST_WORD_MAGIC));
    expect(document).toContain(`0x${encode.LAST_WORD_MAGIC.toString(16)}`);
    expect(inC.get('NO_RESULT')).toBe(-1n);
    expect(inC.get('CHANNEL')).toBe(BigInt(CHANNEL_FD));
    expect(document).toContain(`ends after ${Number(inC.get('IDLE_MS')) / 1000} s without a job`);
  });

  it('shows its worked example as it is', () => {
    const plan = notePlan();
    const bytes = encode.encodePlan(plan, EXAMPLE_VERSION);
    const [, shown] = /```plan\n([\s\S]*?)```/.exec(document) ?? [];
    expect(shown).toBe(showPlan(plan));
    const [, dumped] = /```hex\n([\s\S]*?)```/.exec(document) ?? [];
    expect(dumped).toBe(hexDump(bytes));
    expect(document).toContain(`${plan.steps.length} steps, an image of ${plan.imageBytes} bytes`);
  });
});

describe('vlab-init.c', () => {
  const source = readFileSync(nativeSource('vlab-init'), 'utf8');

  it('has at most 300 lines of at most 100 columns', () => {
    const lines = source.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(300);
    expect(lines.filter((line) => line.length > 100 || line.includes('\t'))).toEqual([]);
  });

  it('never learns what a container is', () => {
    const code = source.replace(/\/\*[\s\S]*?\*\//g, '');
    expect(code.match(/container|cgroup_|pivot|rootfs|overlay|seccomp|CLONE_NEW\w+|qemu/gi)).toBeNull();
  });
});
