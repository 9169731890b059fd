// Which mounts of a container come from outside, by what /proc/PID/mountinfo says, and from where they come at a restore.
import { describe, expect, it } from 'vitest';
import { nodesOf } from '../../../../src/container/steps/device-steps.js';
import { externalMounts, sourceOf, usualExternals } from '../../../../src/oci/checkpoint/external-mounts.js';
import { parseMountinfo } from '../../../../src/oci/checkpoint/mountinfo.js';
import { cgroup, configWith, INSIDE, OUTSIDE, PLACES, RESOLVED } from './example.js';

const withDevice = () => {
  const config = configWith();
  const device = { path: '/dev/fuse', type: 'c', major: 10, minor: 229 } as const;
  return { ...config, linux: { ...config.linux, devices: [device] } };
};
const seen = { inside: INSIDE, outside: OUTSIDE, resolved: RESOLVED };
const found = externalMounts(withDevice(), PLACES, seen);

describe('mounts that come from outside', () => {
  it('are binds, what lies below them on the host, devices of the host, and the root’s own mounts', () => {
    expect(found).toEqual([
      { at: '/data', bind: '/data', below: '' },
      { at: '/data/disk', bind: '/data', below: '/disk' },
      { at: '/data/inner', bind: '/data/inner', below: '' },
      { at: '/real/hosts', bind: '/etc/hosts', below: '' },
      { at: '/dev/fuse', host: '/dev/fuse' },
      { at: '/opt x', root: '/opt x' },
    ]);
  });

  it("are not the container's own: covers, read-only paths, its terminal, what it mounted itself", () => {
    const places = found.map(({ at }) => at);
    for (const own of ['/', '/proc', '/proc/acpi', '/proc/kcore', '/proc/sys', '/dev/console', '/data/own']) {
      expect(places).not.toContain(own);
    }
  });

  it("have the host's /dev/null among them where it covers a file", () => {
    const inside = parseMountinfo(
      '1 0 8:1 /b/rootfs / rw - ext4 d rw\n2 1 0:40 / /proc rw - proc p rw\n3 2 0:6 /null /proc/kcore rw - devtmpfs u rw',
    );
    expect(externalMounts(configWith(), PLACES, { ...seen, inside })).toEqual([
      { at: '/proc/kcore', host: '/dev/null' },
    ]);
  });

  it('have hierarchies of version 1 among them, without a cgroup namespace', () => {
    const lines = [
      '1 0 8:1 /b/rootfs / rw - ext4 d rw',
      '2 1 0:41 / /sys/fs/cgroup rw - tmpfs t rw',
      '3 2 0:9 /engine/c /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory',
    ];
    const inside = parseMountinfo(lines.join('\n'));
    expect(externalMounts(configWith(), PLACES, { ...seen, inside })).toEqual([
      { at: '/sys/fs/cgroup/memory', cgroup: 'memory' },
    ]);
    const namespaced = configWith({ namespaces: [{ type: 'mount' }, { type: 'cgroup' }] });
    expect(externalMounts(namespaced, PLACES, { ...seen, inside })).toEqual([]);
  });
});

describe('at a restore they come from', () => {
  const source = (external: Parameters<typeof sourceOf>[0], config = configWith()) =>
    sourceOf(external, config, PLACES, cgroup().cgroup);

  it('what the configuration has there now', () => {
    expect(found.map((one) => source(one))).toEqual([
      '/b/volumes/data',
      '/b/volumes/data/disk',
      '/srv/inner',
      '/run/engine/hosts',
      '/dev/fuse',
      '/b/rootfs/opt x',
    ]);
  });

  it("the container's own new cgroup", () => {
    expect(source({ at: '/sys/fs/cgroup/memory', cgroup: 'memory' })).toBe('/sys/fs/cgroup/memory/engine/c');
    expect(() => source({ at: '/x', cgroup: 'rdma' })).toThrow('rdma, which is not here');
  });

  it('nowhere, when it has nothing there any more', () => {
    const config = configWith({ drop: '/data' });
    expect(() => source({ at: '/data', bind: '/data', below: '' }, config)).toThrow('nothing to bind at /data');
  });

  it('all that could be, when the image does not tell', () => {
    const usual = usualExternals(configWith(), RESOLVED);
    expect(usual.slice(0, 3)).toEqual([
      { at: '/data', bind: '/data', below: '' },
      { at: '/data/inner', bind: '/data/inner', below: '' },
      { at: '/real/hosts', bind: '/etc/hosts', below: '' },
    ]);
    expect(usual.length).toBe(3 + nodesOf([]).length + 1);
  });
});
