import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hostArch } from '../../../src/sys/abi.js';
import { CHILD_STACK_BYTES } from '../../../src/sys/clone.js';
import { compileArgs, nativeSource } from '../../../src/sys/native.js';

/** gcc's -fstack-usage: `file.c:LINE:COLUMN:function  BYTES  static`. */
function frames(): Map<string, number> {
  const folder = mkdtempSync(join(tmpdir(), 'vlab-stack-'));
  try {
    const args = compileArgs('vlab-init', hostArch(), 1n, nativeSource('vlab-init'), join(folder, 'vlab-init'));
    execFileSync('cc', ['-fstack-usage', ...args], { cwd: folder });
    const report = readdirSync(folder).find((name) => name.endsWith('.su')) ?? '';
    const lines = readFileSync(join(folder, report), 'utf8').trim().split('\n');
    return new Map(
      lines.map((line) => {
        const [place = '', bytes] = line.split('\t');
        return [place.split(':').at(-1) ?? '', Number(bytes)];
      }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

it('a child that borrows memory has stack enough, four times over', () => {
  const sizes = frames();
  const needed = ['go_on', 'perform', 'quit'].map((name) => sizes.get(name));
  expect(needed).not.toContain(undefined);
  expect(needed.reduce<number>((sum, bytes) => sum + (bytes ?? 0) + 8, 0)).toBeLessThan(CHILD_STACK_BYTES / 4);
});
