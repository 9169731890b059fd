import { describe, expect, it } from 'vitest';
import { checkVolumeName, placeOf } from '../../../src/storage/volume.js';

describe('the name of a volume', () => {
  it.each(['data', 'a1', 'my_data.v2-x', 'f'.repeat(64)])('%s', (name) => {
    expect(() => checkVolumeName(name)).not.toThrow();
  });
  it.each(['', 'a', '.hidden', '-x', 'a/b', '../x', 'a b', 'é1', 'x'.repeat(201)])('not %j', (name) => {
    expect(() => checkVolumeName(name)).toThrow('invalid characters');
  });
});

describe('options of the driver', () => {
  it('without any the volume has a directory of its own', () => {
    expect(placeOf({})).toEqual({ kind: 'own' });
  });
  it('a bind is of a directory of the host', () => {
    expect(placeOf({ type: 'none', o: 'bind,rw', device: '/srv' })).toEqual({ kind: 'host', path: '/srv' });
  });
  it.each([
    [{ size: '1' }, 'invalid option: "size"'],
    [{ type: 'none', o: 'bind', device: 'srv' }, 'absolute'],
    [{ type: 'nfs', device: ':/x', o: 'addr=1.2.3.4' }, 'type nfs'],
  ] as [Record<string, string>, string][])('%j is refused', (options, message) => {
    expect(() => placeOf(options)).toThrow(message);
  });
});
