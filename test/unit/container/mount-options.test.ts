// What mount options mean: the table of config.md, "Linux mount options", and that the later of two counts. Pure.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changesOf } from '../../../src/container/steps/mount-attributes.js';
import { mountOptionNames, readMountOptions } from '../../../src/container/steps/mount-options.js';
import type { ABI } from '../../../src/sys/abi.js';

/** config.md, "Linux mount options", in its order. */
const SPECIFIED = [
  ...[
    'async',
    'atime',
    'bind',
    'defaults',
    'dev',
    'diratime',
    'dirsync',
    'exec',
    'iversion',
    'lazytime',
    'loud',
    'mand',
  ],
  ...['noatime', 'nodev', 'nodiratime', 'noexec', 'noiversion', 'nolazytime', 'nomand', 'norelatime', 'nostrictatime'],
  ...['nosuid', 'nosymfollow', 'private', 'ratime', 'rbind', 'rdev', 'rdiratime', 'relatime', 'remount', 'rexec'],
  ...['rnoatime', 'rnodev', 'rnodiratime', 'rnoexec', 'rnorelatime', 'rnostrictatime', 'rnosuid', 'rnosymfollow', 'ro'],
  ...['rprivate', 'rrelatime', 'rro', 'rrw', 'rshared', 'rslave', 'rstrictatime', 'rsuid', 'rsymfollow', 'runbindable'],
  ...['rw', 'shared', 'silent', 'slave', 'strictatime', 'suid', 'symfollow', 'sync', 'tmpcopyup', 'unbindable'],
  ...['idmap', 'ridmap'],
];

describe('mount options', () => {
  it('are those of the specification, and no more', () => {
    expect([...mountOptionNames()]).toEqual([...new Set(SPECIFIED)].sort());
  });

  it('that are not known are data of the file system, in their order, with their place', () => {
    expect(readMountOptions(['size=1', 'ro', 'copy', '', 'nr_inodes=2']).data).toEqual([
      { index: 0, text: 'size=1' },
      { index: 2, text: 'copy' },
      { index: 4, text: 'nr_inodes=2' },
    ]);
  });

  it('of one field replace each other', () => {
    expect(readMountOptions(['noatime', 'strictatime']).own).toEqual({
      set: ['MOUNT_ATTR_STRICTATIME'],
      clear: ['MOUNT_ATTR__ATIME'],
    });
    expect(readMountOptions(['strictatime', 'atime']).own).toEqual({ set: [], clear: ['MOUNT_ATTR__ATIME'] });
    expect(readMountOptions(['bind', 'rbind', 'bind']).bind).toBe('tree');
    expect(readMountOptions(['iversion', 'silent', 'noiversion']).oldCallOnly).toEqual(['MS_SILENT']);
    expect(readMountOptions(['ro', 'sync', 'rw', 'async']).superblock).toEqual(['rw', 'async']);
  });

  it('never set and clear the same bit without meaning it (property)', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...mountOptionNames())), (names) => {
        const { own, tree } = readMountOptions(names);
        for (const { set, clear } of [own, tree]) {
          const both = set.filter((name) => clear.includes(name));
          expect(both).toEqual([]);
          // The kernel wants the whole field cleared where a value of it is set.
          const values = set.filter((name) => /_(REL|NO|STRICT)ATIME$/.test(name));
          expect(values.length).toBeLessThanOrEqual(1);
          if (values.length > 0) expect(clear).toContain('MOUNT_ATTR__ATIME');
        }
      }),
    );
  });

  it('the last of two opposites counts, wherever others stand (property)', () => {
    const pairs = ['suid', 'dev', 'exec', 'diratime', 'symfollow'] as const;
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...mountOptionNames())),
        fc.constantFrom(...pairs),
        fc.boolean(),
        (names, name, on) => {
          const last = on ? name : `no${name}`;
          const { own } = readMountOptions([...names, last]);
          const attribute = `MOUNT_ATTR_NO${name.toUpperCase()}` as keyof typeof ABI;
          expect([own.set.includes(attribute), own.clear.includes(attribute)]).toEqual([!on, on]);
        },
      ),
    );
  });
});

describe('changes of a mount', () => {
  const changes = (...names: string[]) => changesOf(readMountOptions(names));

  it('are as few calls as can be', () => {
    expect(changes('rbind')).toEqual([]);
    expect(changes('rbind', 'ro', 'nosuid', 'private')).toEqual([
      { recursive: false, set: ['MOUNT_ATTR_RDONLY', 'MOUNT_ATTR_NOSUID'], clear: [], propagation: 'MS_PRIVATE' },
    ]);
    expect(changes('rbind', 'rprivate', 'ro', 'rnoexec')).toEqual([
      { recursive: false, set: ['MOUNT_ATTR_RDONLY'], clear: [] },
      { recursive: true, set: ['MOUNT_ATTR_NOEXEC'], clear: [], propagation: 'MS_PRIVATE' },
    ]);
  });

  it('of how events spread come in their order when there are several', () => {
    expect(changes('rslave', 'shared')).toEqual([
      { recursive: true, propagation: 'MS_SLAVE' },
      { recursive: false, propagation: 'MS_SHARED' },
    ]);
  });

  it('leave out what a new mount has from its birth', () => {
    expect(changesOf(readMountOptions(['ro', 'rslave']), undefined, true)).toEqual([
      { recursive: true, set: [], clear: [], propagation: 'MS_SLAVE' },
    ]);
  });
});
