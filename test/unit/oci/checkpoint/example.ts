/** A container, its machine and its mounts, written by hand: what dumps and restores are decided for in tests. */
import { cgroupOf } from '../../../../src/container/cgroup/planned-cgroup.js';
import { parseConfig } from '../../../../src/container/config/parse-config.js';
import type { OciConfig } from '../../../../src/container/config/schema.js';
import type { Situation } from '../../../../src/container/situation.js';
import type { CriuFlags } from '../../../../src/oci/checkpoint/criu-flags.js';
import type { DumpSituation } from '../../../../src/oci/checkpoint/dump-request.js';
import { type MountEntry, parseMountinfo } from '../../../../src/oci/checkpoint/mountinfo.js';
import { machine } from '../../container/cgroup-machines.js';
import { SITUATIONS } from '../../container/situations.js';

const CONFIG = {
  ociVersion: '1.2.0',
  root: { path: 'rootfs' },
  process: { cwd: '/', args: ['/bin/count'], terminal: false },
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts' },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['ro'] },
    { destination: '/data', type: 'bind', source: 'volumes/data', options: ['rbind'] },
    { destination: '/data/inner', source: '/srv/inner', options: ['bind'] },
    { destination: '/etc/hosts', type: 'bind', source: '/run/engine/hosts', options: ['bind', 'ro'] },
  ],
  linux: {
    namespaces: [{ type: 'pid' }, { type: 'network' }, { type: 'ipc' }, { type: 'uts' }, { type: 'mount' }],
    cgroupsPath: '/engine/c',
    maskedPaths: ['/proc/kcore', '/proc/acpi'],
    readonlyPaths: ['/proc/sys'],
  },
};

export function configWith(more: { terminal?: boolean; namespaces?: object[]; drop?: string } = {}): OciConfig {
  const { terminal = false, namespaces = CONFIG.linux.namespaces, drop } = more;
  return parseConfig(
    JSON.stringify({
      ...CONFIG,
      process: { ...CONFIG.process, terminal },
      mounts: CONFIG.mounts.filter(({ destination }) => destination !== drop),
      linux: { ...CONFIG.linux, namespaces },
    }),
  );
}

export const PLACES = { bundle: '/b', rootfs: '/b/rootfs' };
/** One hierarchy is enough: what is made for each is another test's. */
export const MACHINE: Situation = { ...SITUATIONS.hybrid, cgroups: SITUATIONS.hybrid.cgroups.slice(0, 2) };
/** Nothing of it is there yet. */
export const cgroup = () => cgroupOf(configWith(), 'c', MACHINE, machine({}));

export const INSIDE: MountEntry[] = parseMountinfo(
  [
    '64 42 8:1 /b/rootfs / rw,relatime - ext4 /dev/sda1 rw',
    '65 64 0:40 / /proc rw - proc proc rw',
    '66 64 0:41 / /dev rw,nosuid - tmpfs tmpfs rw,mode=755',
    '67 66 0:42 / /dev/pts rw - devpts devpts rw',
    '68 64 0:43 / /sys ro - sysfs sysfs rw',
    '69 64 8:1 /b/volumes/data /data rw shared:3 - ext4 /dev/sda1 rw',
    '70 69 8:5 / /data/disk rw - xfs /dev/sda5 rw',
    '71 69 8:1 /srv/inner /data/inner rw - ext4 /dev/sda1 rw',
    '72 64 0:25 /engine/hosts /real/hosts ro - tmpfs tmpfs rw',
    '73 65 0:44 / /proc/acpi ro - tmpfs tmpfs rw',
    '74 65 0:41 /null /proc/kcore rw,nosuid - tmpfs tmpfs rw,mode=755',
    '75 65 0:40 /sys /proc/sys ro - proc proc rw',
    '76 66 0:42 /0 /dev/console rw - devpts devpts rw',
    '77 66 0:6 /fuse /dev/fuse rw - devtmpfs udev rw',
    '78 64 8:9 / /opt\\040x rw - ext4 /dev/sdb rw',
    '79 69 0:50 / /data/own rw - tmpfs tmpfs rw',
  ].join('\n'),
);

export const OUTSIDE: MountEntry[] = parseMountinfo(
  [
    '22 1 8:1 / / rw - ext4 /dev/sda1 rw',
    '23 22 8:5 / /b/volumes/data/disk rw - xfs /dev/sda5 rw',
    '24 22 8:9 / /b/rootfs/opt\\040x rw - ext4 /dev/sdb rw',
  ].join('\n'),
);

/** /etc/hosts is a link of the image. */
export const RESOLVED = new Map(
  CONFIG.mounts.map(({ destination: path }) => [path, path === '/etc/hosts' ? '/real/hosts' : path]),
);

export const FLAGS: CriuFlags = {
  ...{ imagePath: '/images/c', leaveRunning: false, preDump: false, tcpEstablished: false, tcpSkipInFlight: false },
  ...{ tcpClose: false, extUnixSk: false, shellJob: false, lazyPages: false, fileLocks: false, linkRemap: false },
  ...{ autoDedup: false, emptyNetwork: false, cgroupsMode: 'soft' },
};

export const SEEN: DumpSituation = {
  external: [{ at: '/data', bind: '/data', below: '' }],
  stdio: [
    { number: 0, key: 'file[18:3]' },
    { number: 1, key: 'pipe:[77]' },
    { number: 2, key: 'pipe:[77]' },
  ],
  joined: {},
  netDevices: ['lo'],
  criuVersion: 40201,
  tools: { ip: true, iptables: true },
};

export const CRIU = { argv: ['/usr/sbin/criu'], env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'] };
