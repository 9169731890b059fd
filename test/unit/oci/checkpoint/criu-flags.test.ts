import { describe, expect, it } from 'vitest';
import { criuFlags } from '../../../../src/oci/checkpoint/criu-flags.js';
import { CHECKPOINT_FLAGS, RESTORE_FLAGS } from '../../../../src/oci/checkpoint/flag-tables.js';
import { Flags, takeFlags } from '../../../../src/oci/command-line.js';

const read = (words: string, table = CHECKPOINT_FLAGS) =>
  criuFlags(new Flags(takeFlags(words.split(' ').filter(Boolean), table, 'checkpoint').flags), '/here');

describe('the flags of checkpoint and restore', () => {
  it("default to runc's", () => {
    expect(read('')).toMatchObject({ imagePath: '/here/checkpoint', cgroupsMode: 'soft', leaveRunning: false });
    expect(read('')).not.toHaveProperty('workPath');
    // podman passes empty ones
    expect(read('--image-path= --work-path= --parent-path= --manage-cgroups-mode=')).toEqual(read(''));
  });

  it('are all taken', () => {
    const words =
      '--image-path /i --work-path w --parent-path ../p --leave-running --tcp-established --ext-unix-sk --shell-job --lazy-pages --status-fd 5 --page-server [::1]:27 --file-locks --pre-dump --manage-cgroups-mode full --empty-ns network --auto-dedup --link-remap --tcp-skip-in-flight --network-lock skip';
    expect(read(words)).toEqual({
      ...{ imagePath: '/i', workPath: '/here/w', parentPath: '../p', leaveRunning: true, preDump: true },
      ...{ tcpEstablished: true, tcpSkipInFlight: true, tcpClose: false, extUnixSk: true, shellJob: true },
      ...{ lazyPages: true, fileLocks: true, linkRemap: true, autoDedup: true, emptyNetwork: true },
      ...{ cgroupsMode: 'full', networkLock: 'skip', pageServer: { address: '::1', port: 27 }, statusFd: 5 },
    });
    expect(read('--lsm-profile a:b --lsm-mount-context c', RESTORE_FLAGS)).toMatchObject({
      lsmProfile: 'a:b',
      lsmMountContext: 'c',
    });
    expect(read('--status-fd -1')).not.toHaveProperty('statusFd');
  });

  it.each([
    ['--parent-path /p', '--parent-path must be relative'],
    ['--empty-ns pid', '--empty-ns pid'],
    ['--manage-cgroups-mode hard', '--manage-cgroups-mode hard: one of ignore, soft, full, strict'],
    ['--network-lock no', '--network-lock no'],
    ['--page-server 127.0.0.1', '--page-server 127.0.0.1'],
    ['--page-server a:99999', '--page-server a:99999'],
    ['--status-fd x', '--status-fd x'],
  ])('are refused when they make no sense: %s', (words, message) => {
    expect(() => read(words)).toThrow(message);
  });
});
