import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';
import { markOwnProcesses } from './test/own-processes.js';

/** Tests never meet the person's own launcher or records. Short, because unix socket paths end at 107 bytes. */
process.env.VLAB_RUN_DIR ??= mkdtempSync(join(process.getuid?.() === 0 ? '/run' : tmpdir(), 'vlab-t'));
process.env.VLAB_DATA_DIR ??= mkdtempSync(join(tmpdir(), 'vlab-td')); // nor the person's own images and containers
markOwnProcesses();
const { VLAB_RUN_DIR, VLAB_DATA_DIR } = process.env;
const env = { VLAB_RUN_DIR, VLAB_DATA_DIR, NO_COLOR: '1' };

/** What uses the machine runs one file after another. */
function onTheMachine(name: string, groupOrder: number, testTimeoutMs: number): TestProjectConfiguration {
  return {
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      env,
      pool: 'forks',
      fileParallelism: false,
      testTimeout: testTimeoutMs,
      hookTimeout: testTimeoutMs,
      sequence: { groupOrder },
    },
  };
}

export default defineConfig({
  test: {
    globalSetup: ['test/global-set-up.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          env,
          pool: 'threads',
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      onTheMachine('system', 1, 60_000),
      onTheMachine('conformance', 2, 120_000),
      onTheMachine('browser', 3, 60_000),
    ],
  },
});
