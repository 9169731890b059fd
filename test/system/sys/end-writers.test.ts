// Ending what a given-up start left running. Needs setsid of util-linux; no root.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endWriters } from '../../../src/sys/end-writers.js';
import { runs, until } from './own-launcher.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vlab-writers-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A shell whose standard output and error are the two files; resolves when it has said that it is there. */
async function shell(line: string, stdout: string, stderr: string): Promise<number> {
  const [out, err] = [openSync(stdout, 'a'), openSync(stderr, 'a')];
  const child = spawn('sh', ['-c', line], { stdio: ['ignore', out, err] });
  closeSync(out);
  closeSync(err);
  await once(child, 'spawn');
  return child.pid ?? 0;
}

describe('endWriters', () => {
  it('ends a process, its children and what has left its session; others live on', async () => {
    const [out, err, other] = ['out', 'err', 'other'].map((name) => join(folder, name)) as [string, string, string];
    const there = join(folder, 'there');
    const bystander = await shell('exec sleep 60', other, other);
    const daemon = `(setsid sh -c 'echo $$ > ${there}.tmp; mv ${there}.tmp ${there}; trap "" TERM; sleep 60' &) 2>/dev/null`;
    const parent = await shell(`${daemon}; sleep 60`, out, err);
    await until(() => existsSync(there), 'the daemon is there');
    await endWriters([out, err]);
    await until(() => !runs(parent), 'the shell has ended');
    expect(runs(bystander)).toBe(true);
    await endWriters([out, err]);
    await endWriters([other]);
    await until(() => !runs(bystander), 'the bystander has ended too');
  });

  it('knows a file by a symbolic link to its folder', async () => {
    const link = join(folder, 'link');
    symlinkSync(folder, link);
    const pid = await shell('exec sleep 60', join(link, 'out'), join(link, 'err'));
    await endWriters([join(link, 'out')]);
    await until(() => !runs(pid), 'it has ended');
  });

  it('has nothing to do where there is no file', async () => {
    await endWriters([join(folder, 'absent')]);
  });
});
