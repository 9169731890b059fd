// Attacks through device nodes. Needs root.
import { execFileSync } from 'node:child_process';
import { FOREIGN_DEVICE } from './arena-ground.js';
import { ownArena } from './pair.js';

const { pair } = ownArena();

pair('makes a node', {
  words: ['/probe', 'mknod-open', '/tmp/node', 'c', ...FOREIGN_DEVICE.map(String)],
  cgroups: true,
  blocked: 'mknod: ok\nopen: Operation not permitted',
  works: 'mknod: ok\nopen: ok',
});

pair('node of the image', {
  words: ['/probe', 'open', '/device'],
  cgroups: true,
  blocked: '/device: Operation not permitted',
  works: '/device: ok',
});

pair('node of a volume', {
  prepare: (at) => void execFileSync('mknod', ['-m', '666', at('/volume/zero'), 'c', '1', '5']),
  words: ['/probe', 'open', '/mnt/zero'],
  blocked: '/mnt/zero: Permission denied',
  works: '/mnt/zero: ok',
});

pair('makes a node without the right to', {
  words: ['/probe', 'mknod', '/tmp/node', '7', '0'],
  blocked: 'mknod: Operation not permitted',
  works: 'mknod: ok',
});
