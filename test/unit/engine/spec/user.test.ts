import { expect, it } from 'vitest';
import { resolveUser } from '../../../../src/engine/spec/user.js';

const FILES = {
  passwd: ['root:x:0:0:root:/root:/bin/sh', 'www:x:33:33::/var/www:/x', '1000:x:7:7::/odd:', 'bad:x:x:1', ''].join(
    '\n',
  ),
  group: ['root:x:0:', 'www:x:33:', 'audio:x:29:www,root', 'wheel:x:10:root'].join('\n'),
};
const NONE = { passwd: '', group: '' };

it.each([
  ['', [], { uid: 0, gid: 0, additionalGids: [0, 29, 10], home: '/root' }],
  ['www', [], { uid: 33, gid: 33, additionalGids: [33, 29], home: '/var/www' }],
  ['33', ['wheel', '5'], { uid: 33, gid: 33, additionalGids: [33, 29, 10, 5], home: '/var/www' }],
  ['www:audio', [], { uid: 33, gid: 29, additionalGids: [29], home: '/var/www' }],
  ['33:', [], { uid: 33, gid: 33, additionalGids: [33, 29], home: '/var/www' }],
  ['12:13', [], { uid: 12, gid: 13, additionalGids: [13], home: '/' }],
  ['12', [], { uid: 12, gid: 0, additionalGids: [0], home: '/' }],
  ['1000', [], { uid: 7, gid: 7, additionalGids: [7], home: '/odd' }],
])('%j with the groups %j', (user, groups, resolved) => {
  expect(resolveUser(user, groups, FILES)).toEqual(resolved);
});

it('is root in an image without either file', () => {
  expect(resolveUser('', [], NONE)).toEqual({ uid: 0, gid: 0, additionalGids: [0], home: '/' });
});

it.each([
  ['nobody', [], 'unable to find user nobody: no matching entries in passwd file'],
  ['0:nogroup', [], 'unable to find group nogroup: no matching entries in group file'],
  ['0', ['x'], 'unable to find group x'],
  ['-1', [], 'uids and gids must be in range 0-2147483647'],
  ['4294967295', [], 'uids and gids must be in range 0-2147483647'],
])('%j with the groups %j is refused', (user, groups, message) => {
  expect(() => resolveUser(user, groups, NONE)).toThrow(message);
});
