import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Compiles a C program and runs it; the lines `NAME VALUE` (decimal) of its output become a map. */
export function valuesOfC(source: string, compilerArgs: readonly string[] = []): Map<string, bigint> {
  const folder = mkdtempSync(join(tmpdir(), 'vlab-c-'));
  try {
    writeFileSync(join(folder, 'values.c'), source);
    execFileSync('cc', ['-O0', '-o', join(folder, 'values'), join(folder, 'values.c'), ...compilerArgs]);
    const said = execFileSync(join(folder, 'values'), { encoding: 'utf8' });
    return new Map(
      said
        .trim()
        .split('\n')
        .map((line) => line.split(' '))
        .map(([name = '', value = '']) => [name, BigInt(value)]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What is claimed of the headers: a C expression and its value. */
export type Claims = ReadonlyMap<string, bigint>;

/**
 * Lets a compiler judge claims, which needs no program to run, so that a cross compiler can do it. Returns the expressions
 * whose value is another, or that the headers do not have.
 */
export function wrongClaims(compiler: string, headers: readonly string[], claims: Claims): string[] {
  const lines = [...claims].map(
    ([expression, value]) =>
      `_Static_assert((unsigned long long)(${expression}) == ${BigInt.asUintN(64, value)}ull, "[${expression}]");`,
  );
  const source = [...headers.map((header) => `#include <${header}>`), ...lines].join('\n');
  const args = ['-std=gnu11', '-fsyntax-only', '-D_GNU_SOURCE', '-w', '-fmax-errors=0', '-x', 'c', '-'];
  const { stderr } = spawnSync(compiler, args, { input: source, encoding: 'utf8' });
  const errors = stderr.split('\n').filter((line) => line.includes('error:'));
  const wrong = errors.map((line) => {
    const number = Number(/^<stdin>:(\d+):/.exec(line)?.[1]);
    return lines[number - headers.length - 1]?.match(/"\[(.*)\]"/)?.[1] ?? line;
  });
  return [...new Set(wrong)]; // an unknown name is told twice
}

export function hasCompiler(compiler: string): boolean {
  return spawnSync(compiler, ['--version'], { stdio: 'ignore' }).status === 0;
}
