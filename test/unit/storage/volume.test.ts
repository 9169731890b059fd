import { describe, expect, it } from 'vitest';
import { checkVolumeName, placeOf, type Volume, volumeFilter } from '../../../src/storage/volume.js';

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

describe('filters', () => {
  const volume: Volume = {
    name: 'data-1',
    driver: 'local',
    createdAt: '2026-01-01T00:00:00Z',
    labels: { tier: 'a', empty: '' },
    options: {},
    anonymous: false,
    mountpoint: '/x',
  };
  it.each([
    [[], true],
    [['name=ata'], true],
    [['name=no', 'name=data'], true],
    [['name=no'], false],
    [['label=tier'], true],
    [['label=tier=a', 'label=empty='], true],
    [['label=tier=b'], false],
    [['label=tier', 'label=other'], false],
    [['label!=other'], true],
    [['dangling=true'], true],
    [['dangling=false'], false],
    [['driver=local', 'name=no'], false],
  ] as [string[], boolean][])('%j: %s', (filters, expected) => {
    expect(volumeFilter(filters)(volume, false)).toBe(expected);
  });
  it('that there are not are refused', () => {
    expect(() => volumeFilter(['size=1'])).toThrow("invalid filter 'size'");
    expect(() => volumeFilter(['dangling=maybe'])).toThrow('dangling');
  });
});
