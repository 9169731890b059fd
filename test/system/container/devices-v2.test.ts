// Device rules of a version 2 cgroup: the program goes into the real kernel. Needs root and a mounted unified hierarchy; it
// need not have controllers, since devices are a program there.
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CGROUP_PARENT } from '../../../src/container/cgroup/places.js';
import { defaultConfig } from '../../../src/container/config/default-config.js';
import { runPlan } from '../../../src/container/run-plan.js';
import type { Situation } from '../../../src/container/situation.js';
import { readCgroupLayout } from '../../../src/host/cgroup-layout.js';
import { hostArch } from '../../../src/sys/abi.js';
import { startOnce } from '../../../src/sys/perform-once.js';
import { readObserved } from '../../../src/sys/stamps.js';
import { isRoot, needs } from '../../skips.js';
import { ownRootfs, removeRootfs } from './vlab-run.js';

const { unified } = readCgroupLayout();
const root = join(unified?.mountPoint ?? '/nowhere', `vlab-test-${process.pid}`);
const parent = join(root, CGROUP_PARENT);
let rootfs: string;

beforeAll(async () => {
  rootfs = await ownRootfs();
});
beforeEach((context) => {
  needs(context, 'root', isRoot);
  needs(context, 'cgroup v2', unified !== undefined && !unified.readOnly);
  mkdirSync(parent, { recursive: true });
  return () => {
    rmdirSync(parent);
    rmdirSync(root);
  };
});
afterAll(() => removeRootfs(rootfs));

/** The exit code of the probe in a container whose only cgroup is one of version 2. */
async function exitOf(...words: string[]) {
  const situation: Situation = {
    arch: hostArch(),
    cgroups: [{ version: 2, root, parent, controllers: [] }],
    kernelPaths: {},
    rootless: undefined,
  };
  const config = defaultConfig({ id: `vlab-v2-${process.pid}`, rootfs, command: ['/probe', ...words], env: {} });
  const { ended } = await startOnce(runPlan(config, situation).plan, { stdio: ['ignore', 'ignore', 'inherit'] });
  const { failure, reply } = await ended;
  if (failure) throw failure;
  return readObserved(reply).exit;
}

const [ok, refused] = [{ code: 0 }, { code: 1 }];

describe('in a version 2 cgroup', () => {
  it.each(['null', 'zero', 'full', 'random', 'urandom'])('/dev/%s can be opened', async (name) => {
    expect(await exitOf('open', `/dev/${name}`, 'w')).toEqual(ok);
  });

  it.each([
    ['/dev/mem', 'c', '1', '1'],
    ['/dev/kmsg', 'c', '1', '11'],
    ['a disk', 'b', '8', '0'],
  ])('%s can be made but not opened', async (_, type, major, minor) => {
    expect(await exitOf('mknod-open', '/tmp/node', type, major, minor)).toEqual(refused);
  });

  it('the program is born in it and it is a root to it', async () => {
    expect(await exitOf('has-line', '/proc/self/cgroup', '0::/')).toEqual(ok);
  });
});
