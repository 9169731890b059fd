import { describe, expect, it } from 'vitest';
import {
  type DescriptorSeen,
  descriptorsJson,
  externalOf,
  fromDescriptorsJson,
  outerDescriptors,
} from '../../../../src/oci/checkpoint/stdio.js';

const seen = (number: number, link: string, more: Partial<DescriptorSeen> = {}): DescriptorSeen => {
  return { number, link, mount: 24, inode: 3n, kind: 'file', rdev: 0n, device: 5n, ...more };
};
const mounts = new Set([64, 65]);

describe('standard descriptors', () => {
  it.each([
    ["the host's /dev/null", seen(0, '/dev/null'), 'file[18:3]', ['file[18:3]']],
    ['a log of the caller', seen(1, '/log', { mount: 27, inode: 0x214111n }), 'file[1b:214111]', ['file[1b:214111]']],
    ['a pipe', seen(1, 'pipe:[77]', { mount: 15, kind: 'other' }), 'pipe:[77]', []],
    [
      'a terminal of the host',
      seen(0, '/dev/pts/3', { kind: 'terminal', rdev: 0x8803n, device: 0x18n }),
      'tty[8803:18]',
      ['tty[8803:18]'],
    ],
  ])('%s leads outside', (_, descriptor, key, external) => {
    const [outer] = outerDescriptors([descriptor], mounts);
    expect(outer).toEqual({ number: descriptor.number, key });
    expect(outer && externalOf(outer)).toEqual(external);
  });

  it.each([
    ['a file of its own', seen(1, '/tmp/log', { mount: 64 })],
    ['a terminal of its own', seen(0, '/dev/pts/0', { mount: 65, kind: 'terminal' })],
    ['a socket, which criu cannot connect anew', seen(2, 'socket:[78]', { mount: 10, kind: 'other' })],
    ['something without a name', seen(0, 'anon_inode:[eventpoll]', { kind: 'other' })],
  ])('%s is left alone', (_, descriptor) => {
    expect(outerDescriptors([descriptor], mounts)).toEqual([]);
  });

  it("are written as runc's, and read from runc's", () => {
    const text = descriptorsJson([seen(0, '/dev/null'), seen(2, 'pipe:[9]')]);
    expect(text).toBe('["/dev/null","","pipe:[9]"]');
    expect(fromDescriptorsJson(text)).toEqual([{ number: 2, key: 'pipe:[9]' }]);
    expect(() => fromDescriptorsJson('{}')).toThrow(RangeError);
  });
});
