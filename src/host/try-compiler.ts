import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../base/errors.js';
import { run } from '../base/exec.js';
import { type Attempt, lastLine } from './attempt.js';

/** Needs the C library's headers, the kernel's, and a C library to link statically. */
const PROGRAM = `#include <linux/sched.h>
#include <stdio.h>
int main(void) { return printf("%d\\n", CLONE_NEWPID != 0) < 0; }
`;

/** Compiles a static program and runs it, with the first compiler that is there. */
export async function tryCompiler(): Promise<Attempt> {
  const folder = mkdtempSync(join(tmpdir(), 'vlab-compiler-'));
  try {
    const source = join(folder, 'try.c');
    const program = join(folder, 'try');
    writeFileSync(source, PROGRAM);
    let detail = 'none of cc, gcc, clang is installed';
    for (const compiler of [process.env.CC ?? 'cc', 'gcc', 'clang']) {
      const compiled = await run(compiler, ['-static', '-o', program, source]).catch((error) => messageOf(error));
      if (typeof compiled === 'string') continue; // not installed
      if (compiled.exitCode !== 0) {
        detail = `${compiler}: ${lastLine(compiled.stderr)}`;
        continue;
      }
      const { exitCode, stdout } = await run(program, []);
      if (exitCode === 0 && stdout === '1') return { works: true, detail: `${compiler} compiles static programs` };
      detail = `${compiler} made a program that ended with ${exitCode}`;
    }
    return { works: false, detail };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
