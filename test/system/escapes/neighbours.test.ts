// Attacks on who is on the same machine: its processes, sockets, memory and mounts, and the limits that are for its sake.
// Needs root.
import { ABI } from '../../../src/sys/abi.js';
import { SECRET } from './arena-ground.js';
import { shared, withArgument } from './flaw.js';
import { ownArena } from './pair.js';

const { arena, pair } = ownArena();

pair('signals a neighbour', {
  attack: async (more) => {
    await using neighbour = await arena().neighbour('/rootfs/probe', 'sleep', '60');
    const said = await arena().run({ words: ['/escape', 'end', String(neighbour.pid)], ...more });
    return `${said}, and it ${neighbour.runs() ? 'runs' : 'has ended'}`;
  },
  flaw: shared('CLONE_NEWPID'),
  blocked: 'end: No such process, and it runs',
  works: 'end: ok, and it has ended',
});

pair('abstract socket', {
  attack: async (more) => {
    await using _ = await arena().neighbour('/rootfs/escape', 'listen', 'canary', SECRET);
    return await arena().run({ words: ['/escape', 'connect', 'canary'], ...more });
  },
  flaw: shared('CLONE_NEWNET'),
  blocked: 'connect: Connection refused',
  works: SECRET,
});

pair('shared memory', {
  attack: (more) => {
    arena().outside('/rootfs/escape', 'make-segment', '4711', SECRET);
    return arena().run({ words: ['/escape', 'read-segment', '4711'], ...more });
  },
  flaw: shared('CLONE_NEWIPC'),
  blocked: 'segment: No such file or directory',
  works: SECRET,
});

pair('spreads mounts', {
  attack: async (more) => {
    arena().outside('mount', '--make-shared', '/');
    await arena().run({ words: ['/probe', 'true'], ...more });
    const mounts = arena().outside('cat', '/proc/self/mountinfo').split('\n');
    const spread = mounts.filter((line) => line.split(' ')[4]?.startsWith('/rootfs')).length;
    if (spread > 0) arena().outside('umount', '--recursive', '/rootfs');
    arena().outside('mount', '--make-private', '/');
    return spread > 0 ? 'some are seen' : 'none is seen';
  },
  blocked: 'none is seen',
  works: 'some are seen',
});

pair('lifts its limit', {
  words: ['/probe', 'each', 'write', '/sys/fs/cgroup/pids/pids.max', 'max', '--', 'fork', '60'],
  cgroups: true,
  flaw: withArgument('make a mount of it', 2, (attributes) => attributes & ~BigInt(ABI.MOUNT_ATTR_RDONLY)),
  blocked: '/sys/fs/cgroup/pids/pids.max: Read-only file system\n19',
  works: '/sys/fs/cgroup/pids/pids.max: ok\n60',
});

pair('groups of the caller', {
  words: ['/probe', 'cat', '/of-group'],
  performer: ['/usr/bin/setpriv', '--groups', '1234', '/vlab-front', 'perform'],
  blocked: '/of-group: Permission denied',
  works: SECRET,
});
