import { describe, expect, it } from 'vitest';
import { defaultConfig } from '../../../src/container/config/default-config.js';
import { REQUEST } from './situations.js';

describe('a first process of its own', () => {
  it('runs the command, read-only and in no directory of the image', () => {
    const { process, mounts } = defaultConfig({ ...REQUEST, command: ['sh', '-c', 'x'], init: '/usr/bin/catatonit' });
    expect(process.args).toEqual(['/dev/init', '--', 'sh', '-c', 'x']);
    expect(mounts.at(-1)).toEqual({
      destination: '/dev/init',
      type: 'bind',
      source: '/usr/bin/catatonit',
      options: ['bind', 'ro', 'nosuid', 'nodev'],
    });
  });

  it('is not there unless it is asked for', () => {
    const { process, mounts } = defaultConfig(REQUEST);
    expect([process.args, mounts.some(({ type }) => type === 'bind')]).toEqual([REQUEST.command, false]);
  });
});
