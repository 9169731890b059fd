// Attacks on the walls of the root, and on the kernel's own files in it. What is written is a name of the container's own uts
// namespace; what is dangerous is only opened. Needs root.

import { ABI } from '../../../src/sys/abi.js';
import { SECRET } from './arena-ground.js';
import { chrootOnly, withArgument } from './flaw.js';
import { ownArena } from './pair.js';

const { pair } = ownArena();

pair('climbs out of a chroot', {
  words: ['/escape', 'climb', '/host/secret'],
  flaw: chrootOnly,
  blocked: '/host/secret: No such file or directory',
  works: SECRET,
});

pair('steps onto the old root', {
  words: ['/probe', 'cat', '/../host/secret'],
  blocked: '/../host/secret: No such file or directory',
  works: SECRET,
});

pair('reads a masked file', { words: ['/probe', 'cat', '/proc/keys'], blocked: '', works: /^[0-9a-f]{8} / });

pair('lists a masked directory', { words: ['/probe', 'ls', '/sys/firmware'], blocked: '', works: /./ });

pair('sets kernel parameters', {
  words: ['/probe', 'each', 'write', '/proc/sys/kernel/hostname', 'taken', '--', 'hostname'],
  blocked: '/proc/sys/kernel/hostname: Read-only file system\nattack',
  works: '/proc/sys/kernel/hostname: ok\ntaken',
});

pair('opens sysfs', {
  words: ['/probe', 'open', '/sys/devices/virtual/net/lo/mtu', 'w'],
  flaw: withArgument('make a mount of it', 2, (attributes) => attributes & ~BigInt(ABI.MOUNT_ATTR_RDONLY)),
  blocked: '/sys/devices/virtual/net/lo/mtu: Read-only file system',
  works: '/sys/devices/virtual/net/lo/mtu: ok',
});
