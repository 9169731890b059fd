// Whether a container's root is mounted over itself, from texts. Pure.
import { describe, expect, it } from 'vitest';
import { isMountedOverItself } from '../../../src/container/inherited-mounts.js';

const HOST = '20 1 254:0 / / rw - ext4 /dev/vda rw\n';
const seen = (...lines: string[]) =>
  isMountedOverItself(HOST + lines.map((line) => `${line}\n`).join(''), '/images/a b');

describe('a root file system', () => {
  it.each([
    ['that is a directory', [], false],
    ['that is mounted over itself', ['31 20 254:0 /images/a\\040b /images/a\\040b rw - ext4 /dev/vda rw'], true],
    ['that is a mount of its own', ['31 20 0:41 / /images/a\\040b rw - overlay overlay rw'], false],
    ['that is another directory', ['31 20 254:0 /images/b /images/a\\040b rw - ext4 /dev/vda rw'], false],
    [
      'that is a mount of its own, mounted over itself',
      ['31 20 0:41 / /images/a\\040b rw - overlay o rw', '29 31 0:41 / /images/a\\040b rw - overlay o rw'],
      true,
    ],
    [
      'that is covered by something else',
      [
        '31 20 254:0 /images/a\\040b /images/a\\040b rw - ext4 /dev/vda rw',
        '32 31 0:9 / /images/a\\040b rw - tmpfs t rw',
      ],
      false,
    ],
  ] as const)('%s', (_, lines, expected) => {
    expect(seen(...lines)).toBe(expected);
  });
});
