// What systemd is told of a container. Whether it takes it is tested on a real one: test/system/container/systemd-scope.test.ts.
import { describe, expect, it } from 'vitest';
import { scopeArguments } from '../../../src/container/cgroup/systemd.js';
import {
  annotatedProperties,
  expandSlice,
  limitProperties,
  unitOf,
} from '../../../src/container/cgroup/systemd-properties.js';
import type { OciResources } from '../../../src/container/config/schema.js';

const DEVICES = 'Character devices:\n  1 mem\n136 pts\n\nBlock devices:\n  8 sd\n136 other\n';

describe('linux.cgroupsPath for systemd', () => {
  it.each([
    ['machine.slice:libpod:0123', 'system', 'machine.slice', 'libpod-0123.scope'],
    ['system.slice:docker:0123', 'system', 'system.slice', 'docker-0123.scope'],
    [
      'kubepods-besteffort-podx.slice:cri-containerd:0',
      'system',
      'kubepods-besteffort-podx.slice',
      'cri-containerd-0.scope',
    ],
    [':vlab:c1', 'system', 'system.slice', 'vlab-c1.scope'],
    ['::c1', 'user', 'user.slice', 'c1.scope'],
    [undefined, 'user', 'user.slice', 'vlab-id.scope'],
    ['', 'system', 'system.slice', 'vlab-id.scope'],
  ] as const)('%s', (path, bus, slice, name) => {
    expect(unitOf(path, 'id', bus)).toEqual({ slice, name, bus });
  });

  it.each([
    '/a/b',
    'a:b',
    'a.slice:b:c:d',
    'a.slice:b:',
    'a:b:c',
    'a--b.slice:b:c',
    '-a.slice:b:c',
    'a/b.slice:b:c',
    '::x.slice',
  ])('%s is refused', (path) => {
    expect(() => unitOf(path, 'id', 'system')).toThrow('config.json: linux.cgroupsPath');
  });

  it('has the parents of a slice in its dashes', () => {
    expect(expandSlice('a-b-c.slice')).toBe('/a.slice/a-b.slice/a-b-c.slice');
    expect(expandSlice('machine.slice')).toBe('/machine.slice');
    expect(expandSlice('-.slice')).toBe('/');
  });
});

const RESOURCES: OciResources = {
  memory: { limit: 1000, reservation: 500, swap: 3000 },
  cpu: { shares: 2048, quota: 33_300, period: 100_000, cpus: '0-3', mems: '0' },
  pids: { limit: 0 },
  blockIO: { weight: 500 },
  devices: [{ allow: false }, { allow: true, type: 'b', major: 8, access: 'r' }, { allow: true, type: 'c', major: 7 }],
};

describe('limits as properties', () => {
  it('on version 2', () => {
    expect(limitProperties(RESOURCES, { version: 2, devices: DEVICES })).toEqual([
      ...['MemorySwapMax=2000', 'MemoryMax=1000', 'MemoryLow=500', 'CPUWeight=174'],
      ...['CPUQuotaPeriodSec=100000us', 'CPUQuota=34%', 'AllowedCPUs=0-3', 'AllowedMemoryNodes=0', 'TasksMax=infinity'],
    ]);
    const unified = {
      'memory.high': 'max',
      'cpu.max': '50000 100000',
      'pids.max': '5\n',
      'cpu.weight': '3',
      'io.max': 'x',
    };
    expect(limitProperties({ unified }, { version: 2 })).toEqual([
      ...['MemoryHigh=infinity', 'CPUQuotaPeriodSec=100000us', 'CPUQuota=50%', 'TasksMax=5', 'CPUWeight=3'],
    ]);
    expect(limitProperties({ cpu: { idle: 1 } }, { version: 2 })).toEqual(['CPUWeight=idle']);
  });

  it('on version 1, with the devices, which systemd would open otherwise', () => {
    expect(limitProperties(RESOURCES, { version: 1, devices: DEVICES })).toEqual([
      ...['MemoryMax=1000', 'CPUShares=2048', 'BlockIOWeight=500'],
      ...['CPUQuotaPeriodSec=100000us', 'CPUQuota=34%', 'AllowedCPUs=0-3', 'AllowedMemoryNodes=0', 'TasksMax=infinity'],
      ...['DevicePolicy=strict', 'DeviceAllow=', 'DeviceAllow=block-sd r'], // no driver has the number 7 here
      ...['DeviceAllow=char-* m', 'DeviceAllow=block-* m'],
      ...[3, 5, 7, 8, 9].map((minor) => `DeviceAllow=/dev/char/1:${minor} rwm`),
      ...[0, 1, 2].map((minor) => `DeviceAllow=/dev/char/5:${minor} rwm`),
      'DeviceAllow=char-pts rwm',
    ]);
    expect(limitProperties({ devices: [{ allow: true }] }, { version: 1, devices: DEVICES })).toEqual([
      ...['DevicePolicy=auto', 'DeviceAllow='],
    ]);
    expect(limitProperties({ pids: { limit: 4 } }, { version: 1 })).toEqual(['TasksMax=4']);
  });

  it('without end', () => {
    const resources: OciResources = { memory: { limit: -1 }, cpu: { quota: -1 }, pids: { limit: -1 } };
    expect(limitProperties(resources, { version: 2 })).toEqual([
      ...['MemorySwapMax=infinity', 'MemoryMax=infinity', 'CPUQuota=', 'TasksMax=infinity'],
    ]);
  });
});

describe('annotations', () => {
  it('set properties, by the names that commands know', () => {
    const annotations = {
      'org.systemd.property.TimeoutStopUSec': 'uint64 5000000',
      'org.systemd.property.CollectMode': "'inactive-or-failed'",
      'org.systemd.property.SendSIGKILL': 'false',
      'org.systemd.property.After': "['a.service', 'b,c.service']",
      'org.systemd.property.Description': "'it\\'s mine'",
      'org.other': 'x',
    };
    expect(annotatedProperties({ annotations })).toEqual([
      ...['TimeoutStopSec=5000000us', 'CollectMode=inactive-or-failed', 'SendSIGKILL=false'],
      ...['After=a.service', 'After=b,c.service', "Description=it's mine"],
    ]);
  });

  it.each([
    ['org.systemd.property.', '1'],
    ['org.systemd.property.a b', '1'],
    ['org.systemd.property.X', 'unquoted'],
  ])('%s = %s is refused', (name, value) => {
    expect(() => annotatedProperties({ annotations: { [name]: value } })).toThrow(`annotations["${name}"]`);
  });
});

it('systemd-run is asked for a delegated scope with a holder in it', () => {
  const unit = { name: 'vlab-c1.scope', slice: 'machine.slice', bus: 'user' } as const;
  expect(scopeArguments(unit, 'c1', 2, ['MemoryMax=1'])).toEqual([
    ...['--user', '--scope', '--quiet', '--collect', '--unit=vlab-c1.scope', '--slice=machine.slice'],
    ...['--description=container c1', '--property=Delegate=yes', '--property=DefaultDependencies=no'],
    ...['Memory', 'CPU', 'Tasks', 'IO'].map((name) => `--property=${name}Accounting=yes`),
    ...['--property=MemoryMax=1', '--', '/bin/sh', '-c', 'echo held; read -r _'],
  ]);
});
