/** The command as people start it, with data of the test's own. */
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { VLAB } from '../lab/vlab-command.js';
import type { OwnData } from './small-images.js';

export interface Said {
  status: number | null;
  stdout: string;
  stderr: string;
}

function environment(data: OwnData, more: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { FORCE_COLOR: _, ...clean } = process.env;
  const own = { VLAB_RUN_DIR: join(data.folder, 'run'), VLAB_DATA_DIR: join(data.folder, 'data') };
  return { ...clean, ...own, ...more };
}

/** `input`: what it finds on standard input. */
export function vlab(data: OwnData, words: string[], more: NodeJS.ProcessEnv = {}, input?: Buffer): Said {
  const options = { env: environment(data, more), encoding: 'utf8', cwd: data.folder, input: input ?? '' } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [VLAB, ...words], options);
  return { status, stdout, stderr };
}

/** For commands that a server of this process answers, or that are to be killed. */
export function startVlab(data: OwnData, words: string[], more: NodeJS.ProcessEnv = {}) {
  const stdio = ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'];
  const child = spawn(process.execPath, [VLAB, ...words], { env: environment(data, more), cwd: data.folder, stdio });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const ended = new Promise<Said>((resolve) => {
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
  return { child, ended };
}

/** Error: it did not end with 0. */
export function mustVlab(data: OwnData, words: string[], more: NodeJS.ProcessEnv = {}, input?: Buffer): string {
  const { status, stdout, stderr } = vlab(data, words, more, input);
  if (status !== 0) throw new Error(`vlab ${words.join(' ')} ended with ${status}: ${stderr}`);
  return stdout;
}
