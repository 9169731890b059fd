import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { packageRoot } from '../../../src/base/paths.js';

export const VLAB = join(packageRoot(), 'bin/vlab.cjs');

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** The command as a person would start it, in a folder. */
export function startVlab(
  words: string[],
  cwd: string,
  env: Record<string, string> = {},
): { child: ChildProcess; ended: Promise<Ended>; seen(text: RegExp): Promise<void> } {
  const child = spawn(process.execPath, [VLAB, ...words], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const watchers: { text: RegExp; found(): void }[] = [];
  const look = (): void => {
    for (const { text, found } of watchers) if (text.test(stdout + stderr)) found();
  };
  child.stdout.on('data', (data) => {
    stdout += data;
    look();
  });
  child.stderr.on('data', (data) => {
    stderr += data;
    look();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  });
  return {
    child,
    ended,
    seen: (text) =>
      Promise.race([
        new Promise<void>((found) => {
          watchers.push({ text, found });
          look();
        }),
        ended.then(({ stderr: said }) => {
          throw new Error(`vlab ended before it said ${text}: ${said}`);
        }),
      ]),
  };
}

/** A folder that is gone when the test has ended, with a root file system `root` that holds one program. */
export function workFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'vlab-bench-test-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, 'root'));
  writeFileSync(join(dir, 'root', 'program'), 'a program');
  chmodSync(join(dir, 'root', 'program'), 0o755);
  return dir;
}

/** Writes a scenario of fake arms, whose programs need no root and no time. Returns its path. */
export function fakeScenarioFile(
  dir: string,
  arms: Record<string, unknown>[],
  more: Record<string, unknown> = {},
): string {
  const path = join(dir, 'fake.yaml');
  const payload = { rootfs: 'root', command: ['/program'], check: { stdout: 'hello\n' } };
  writeFileSync(
    path,
    JSON.stringify({ name: 'fake', payload, arms: arms.map((arm) => ({ driver: 'fake', ...arm })), ...more }),
  );
  return path;
}
