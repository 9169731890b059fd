// vlab-init as the first process of a machine, played by a pid namespace and a chroot. Needs root.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { flags, hostArch } from '../../../src/sys/abi.js';
import { encodePlan } from '../../../src/sys/encode.js';
import { initVersion, nativeBinary } from '../../../src/sys/native.js';
import { PlanBuilder } from '../../../src/sys/plan.js';
import { isRoot, needs } from '../../skips.js';

let root: string;
beforeEach(async (context) => {
  needs(context, 'root', isRoot);
  root = mkdtempSync(join(tmpdir(), 'vlab-guest'));
  copyFileSync(await nativeBinary('vlab-init'), join(root, 'init'));
  return () => rmSync(root, { recursive: true });
});

/** Boots it; `words` are what a kernel's command line may add. */
function boot(plan: Uint8Array | undefined, ...words: string[]) {
  if (plan) writeFileSync(join(root, 'plan'), plan);
  const { status, stdout, stderr } = spawnSync('unshare', ['-pf', 'chroot', root, '/init', ...words], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

function planOf(build: (b: PlanBuilder) => void): Uint8Array {
  const b = new PlanBuilder(hostArch());
  build(b);
  return encodePlan(b.build(), initVersion());
}
const say = (b: PlanBuilder, text: string) => b.step('write', [1, b.str(text), text.length], 'say');

describe('/init', () => {
  it('performs /plan', () => {
    const plan = planOf((b) => {
      b.step('getpid', [], 'is the first process', { accept: [1, 1] });
      say(b, 'booted\n');
    });
    expect(boot(plan)).toEqual({ status: 0, stdout: 'booted\n', stderr: '' });
  });

  it('takes no heed of words that the kernel passes on', () => {
    const plan = planOf((b) => say(b, 'booted\n'));
    expect(boot(plan, 'serve', '/nowhere').stdout).toBe('booted\n');
  });

  it('tells the console which step failed, and by which errno', () => {
    const plan = planOf((b) => {
      for (let i = 0; i < 12; i++) b.step('getpid', [], 'count to twelve');
      b.step('openat', [flags('AT_FDCWD'), b.str('/missing'), 0], 'fails');
      say(b, 'never\n');
    });
    expect(boot(plan)).toEqual({ status: 125, stdout: '', stderr: 'vlab-init: step 12 errno 2\n' });
  });

  it('tells a result that was not accepted', () => {
    const plan = planOf((b) => b.step('getpid', [], 'not 1', { accept: [2, 2] }));
    expect(boot(plan)).toEqual({ status: 125, stdout: '', stderr: 'vlab-init: step 0 result 1\n' });
  });

  it('tells a malformed plan, and that there is none', () => {
    const good = planOf((b) => say(b, 'never\n'));
    expect(boot(good.subarray(0, -1))).toEqual({ status: 125, stdout: '', stderr: 'vlab-init: malformed plan\n' });
    rmSync(join(root, 'plan'));
    expect(boot(undefined)).toEqual({ status: 125, stdout: '', stderr: 'vlab-init: malformed plan\n' });
  });
});
