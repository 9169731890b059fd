// vlab run --init: catatonit is the first process. Needs root, catatonit, and dist/ (npm test builds it).
import { beforeEach, describe, expect, it } from 'vitest';
import { findProgram } from '../../../src/base/find-program.js';
import { needs } from '../../skips.js';
import { runProbe, startRun, withRootfs } from './vlab-run.js';

let rootfs: string;
withRootfs((own) => {
  rootfs = own;
});
beforeEach((context) => needs(context, 'catatonit', findProgram('catatonit') !== undefined));

const probe = async (...words: string[]) => runProbe(rootfs, ['--init'], words);

describe('with --init', () => {
  it('the program is a child of the first process, which nobody can change', async () => {
    expect((await probe('ids')).stdout).toBe('2 1 0 0\n');
    expect((await probe('cat', '/proc/1/cmdline')).stdout).toMatch(/^\/dev\/init\0--\0\/probe\0/);
    expect((await probe('open', '/proc/1/exe', 'w')).stdout).toMatch(/Read-only file system|Text file busy/);
    expect((await probe('open', '/dev/init', 'w')).stdout).toMatch(/Read-only file system|Text file busy/);
    expect((await probe('cat', '/proc/self/mountinfo')).stdout).toMatch(/ \/dev\/init ro,nosuid,nodev/);
  });

  it('exit codes, input and signals pass through', async () => {
    expect((await probe('exit', '42')).code).toBe(42);
    expect((await runProbe(rootfs, ['--init'], ['stdin'], { input: 'by hand' })).stdout).toBe('by hand');
    const running = startRun(['--rootfs', rootfs, '--init', '--', '/probe', 'trap']);
    await running.says('ready');
    running.child.kill('SIGTERM');
    expect((await running.finished).stdout).toBe('ready\nsignal 15\n');
  });

  it('what the program leaves behind is reaped', async () => {
    expect((await probe('orphan')).stdout).toBe('reaped\n');
    expect((await runProbe(rootfs, [], ['orphan'])).stdout).toBe('a zombie\n'); // the program itself would have to
  });

  it('a machine without catatonit says what to install', async () => {
    const env = { PATH: '/nonexistent' };
    const { code, stderr } = await startRun(['--rootfs', rootfs, '--init', '--', '/probe', 'true'], { env }).finished;
    if (findProgram('catatonit', '') !== undefined) return; // it is where administrators' programs are
    expect(code).toBe(125);
    expect(stderr).toMatch(/--init needs catatonit, which is not installed\nhint: .*catatonit/);
  });
});
