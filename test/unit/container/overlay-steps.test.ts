import { describe, expect, it } from 'vitest';
import { folderOf, overlayMount } from '../../../src/container/steps/overlay-steps.js';
import type { OverlayRoot } from '../../../src/storage/root-mount.js';
import { PlanBuilder } from '../../../src/sys/plan.js';
import { showCall } from '../../../src/sys/show.js';

describe('the folder of layers', () => {
  it.each([
    [['/data/snapshots/a/fs', '/data/snapshots/b/fs'], '/data/snapshots'],
    [['/data/a'], '/data'],
    [['/data/a', '/data/ab/c'], '/data'],
    [['/a', '/b/c'], '/'],
    [[], '/'],
  ])('%j: %s', (paths, folder) => {
    expect(folderOf(paths)).toBe(folder);
  });
});

describe('an overlay', () => {
  it('is made of layers by names below the folder that holds them', () => {
    const root: OverlayRoot = {
      kind: 'overlay',
      lower: ['/data/snapshots/b/fs', '/data/snapshots/a/fs'].map((path) => ({ kind: 'directory', path })),
      upper: '/data/containers/c/layer/upper',
      work: '/data/containers/c/layer/work',
      place: '/data/containers/c/layer/root',
      userXattr: true,
      volatile: false,
      lowerBy: 'lowerdir+',
    };
    const b = new PlanBuilder('x86_64');
    overlayMount(b, root, {});
    const calls = b.build().steps.map(showCall);
    expect(calls).toEqual([
      'fsopen("overlay", FSOPEN_CLOEXEC) → overlay',
      ...['source', 'redirect_dir', 'metacopy', 'index'].map((key) => expect.stringContaining(`"${key}"`)),
      'fsconfig(overlay, FSCONFIG_SET_FLAG, "userxattr", 0, 0)',
      expect.stringMatching(/^openat\(AT_FDCWD, "\/data\/snapshots", .* → folder$/),
      'fchdir(folder)',
      'fsconfig(overlay, FSCONFIG_SET_STRING, "lowerdir+", "b/fs", 0)',
      'fsconfig(overlay, FSCONFIG_SET_STRING, "lowerdir+", "a/fs", 0)',
      expect.stringMatching(/^openat\(AT_FDCWD, "\/data\/containers\/c\/layer", .* → folder$/),
      'fchdir(folder)',
      'fsconfig(overlay, FSCONFIG_SET_STRING, "upperdir", "upper", 0)',
      'fsconfig(overlay, FSCONFIG_SET_STRING, "workdir", "work", 0)',
      'fsconfig(overlay, FSCONFIG_CMD_CREATE, 0, 0, 0)',
      'fsmount(overlay, FSMOUNT_CLOEXEC, 0) → root',
    ]);
  });
});
