// linux.sysctl, linux.intelRdt and linux.netDevices as steps.
import { describe, expect, it } from 'vitest';
import type { OciLinux } from '../../../src/container/config/schema.js';
import type { HostAbilities } from '../../../src/container/host-abilities.js';
import { type Change, callsOf, createdPlan, from, linuxWith, refusal } from './config-plan.js';
import { HOST, SITUATIONS } from './situations.js';

describe('kernel parameters', () => {
  const sysctl = (parameters: Record<string, string>) => linuxWith({ sysctl: parameters });

  it('are written through the container’s own procfs, with dots or slashes', () => {
    const calls = callsOf(
      sysctl({ 'net.ipv4.conf.eth0/100.mtu': '9', 'net/ipv4/conf/eth0.100/mtu': '9' }),
      from('linux.sysctl'),
    );
    const open =
      'openat2(/proc, "sys/net/ipv4/conf/eth0.100/mtu", {O_WRONLY|O_CLOEXEC, BENEATH|NO_XDEV|NO_SYMLINKS}, 24) → parameter';
    expect(calls).toEqual([open, 'write(parameter, "9", 1)', open, 'write(parameter, "9", 1)']);
  });

  it('are written before anything of it is read-only, or before the root changes where there is none', () => {
    const { steps } = createdPlan(sysctl({ 'kernel.shm_rmid_forced': '1' })).plan;
    const written = steps.findIndex(({ from: path }) => path === 'linux.sysctl.kernel.shm_rmid_forced');
    expect(written).toBeLessThan(steps.findIndex(({ why }) => why.startsWith('mask /proc')));
    const without: Change = ({ linux, mounts }) => {
      linux.sysctl = { 'net.core.somaxconn': '7' };
      mounts.splice(0, mounts.length);
    };
    expect(callsOf(without, from('linux.sysctl'))[0]).toBe(
      'openat(AT_FDCWD, "/proc/sys/net/core/somaxconn", O_WRONLY|O_CLOEXEC) → parameter',
    );
  });

  it.each([
    ['kernel.pid_max', 'linux.sysctl.kernel.pid_max is no parameter of a namespace: it would be changed for the host'],
    ['net..x', 'linux.sysctl.net..x is no name of a kernel parameter'],
    ['net/./x', 'linux.sysctl.net/./x is no name of a kernel parameter'],
    ['kernel', 'linux.sysctl.kernel is no parameter of a namespace: it would be changed for the host'],
  ])('%s is refused', (key, message) => {
    expect(refusal(sysctl({ [key]: '1' }))).toBe(message);
  });

  it.each([
    ['fs.mqueue.queues_max', 'ipc'],
    ['kernel.msgmni', 'ipc'],
    ['net.ipv4.ip_forward', 'network'],
    ['kernel.domainname', 'uts'],
  ])('%s needs the namespace that has it', (key, type) => {
    const change: Change = (config) => {
      config.linux.sysctl = { [key]: '1' };
      config.linux.namespaces = config.linux.namespaces.filter((one) => one.type !== type);
      delete config.hostname;
    };
    expect(refusal(change)).toBe(`linux.sysctl.${key} would be the host's: it needs a ${type} namespace`);
  });
});

describe('shares of caches', () => {
  const rdt = (intelRdt: NonNullable<OciLinux['intelRdt']>) => linuxWith({ intelRdt });
  const machine = (files: Record<string, string>): { host: HostAbilities } => ({
    host: { ...HOST, textOf: (path) => files[path] },
  });
  const calls = (intelRdt: NonNullable<OciLinux['intelRdt']>, files: Record<string, string> = {}) =>
    callsOf(rdt(intelRdt), from('linux.intelRdt'), { ...SITUATIONS.hybrid, ...machine(files) });

  it('are a group of the container’s name, with schemata written line by line', () => {
    expect(
      calls({ l3CacheSchema: 'L3:0=f\nMB:0=9', memBwSchema: 'MB:0=20', schemata: ['L2:0=3'], enableMonitoring: true }),
    ).toEqual([
      'mkdirat(AT_FDCWD, "/sys/fs/resctrl/vlab-example", 0755)',
      'openat(AT_FDCWD, "/sys/fs/resctrl/vlab-example/schemata", O_WRONLY|O_CLOEXEC) → schemata',
      'write(schemata, "L3:0=f\\n", 7)',
      'openat(AT_FDCWD, "/sys/fs/resctrl/vlab-example/schemata", O_WRONLY|O_CLOEXEC) → schemata',
      'write(schemata, "MB:0=20\\n", 8)',
      'openat(AT_FDCWD, "/sys/fs/resctrl/vlab-example/schemata", O_WRONLY|O_CLOEXEC) → schemata',
      'write(schemata, "L2:0=3\\n", 7)',
      'mkdirat(AT_FDCWD, "/sys/fs/resctrl/vlab-example/mon_groups/vlab-example", 0755)',
      'openat(AT_FDCWD, "/sys/fs/resctrl/vlab-example/tasks", O_WRONLY|O_CLOEXEC) → tasks',
      'openat(AT_FDCWD, "/sys/fs/resctrl/vlab-example/mon_groups/vlab-example/tasks", O_WRONLY|O_CLOEXEC) → tasks',
      'write(tasks, "0", 1)',
      'write(tasks, "0", 1)',
    ]);
  });

  it('of a group that is there are neither made nor written', () => {
    const files = { '/sys/fs/resctrl/gold/schemata': '    MB:0=  20\n    L3:0=00f;1=ff\n' };
    expect(calls({ closID: 'gold', l3CacheSchema: 'L3:0=f;1=ff' }, files)).toEqual([
      'openat(AT_FDCWD, "/sys/fs/resctrl/gold/tasks", O_WRONLY|O_CLOEXEC) → tasks',
      'write(tasks, "0", 1)',
    ]);
    const other = { ...SITUATIONS.hybrid, ...machine(files) };
    expect(refusal(rdt({ closID: 'gold', memBwSchema: 'MB:0=30' }), other)).toBe(
      'linux.intelRdt asks for MB:0=30, but the group exists with other shares',
    );
  });

  it.each([
    [{ closID: 'gold' }, 'linux.intelRdt.closID is a group that does not exist: /sys/fs/resctrl/gold'],
    [{ closID: '../x' }, 'linux.intelRdt.closID cannot be the name of a group: ../x'],
    [{ closID: 'info', schemata: ['L3:0=f'] }, 'linux.intelRdt.closID cannot be the name of a group: info'],
  ])('%j is refused', (intelRdt, message) => {
    expect(refusal(rdt(intelRdt))).toBe(message);
  });

  it('need resctrl', () => {
    const host = { ...HOST, resctrl: () => undefined };
    expect(refusal(rdt({}), { ...SITUATIONS.hybrid, host })).toBe(
      'linux.intelRdt needs resctrl, which is not mounted here',
    );
  });

  it('leave directories to remove', () => {
    expect(createdPlan(rdt({ enableMonitoring: true })).resctrlDirectories).toEqual([
      '/sys/fs/resctrl/vlab-example/mon_groups/vlab-example',
      '/sys/fs/resctrl/vlab-example',
    ]);
  });
});

describe('network devices', () => {
  const netDevices = {
    va: {
      index: 7,
      addresses: [{ family: 2, prefix: 24, flags: 0, attributes: [{ type: 2, value: Buffer.from([10, 9, 0, 1]) }] }],
    },
  };
  const situation = { ...SITUATIONS.hybrid, netDevices };

  it('are moved by the parent and configured by the child, each answer looked at', async () => {
    const change = linuxWith({ netDevices: { va: { name: 'eth0' } } });
    expect(callsOf(change, from('linux.netDevices'), situation)).toEqual([
      'ioctl(netlink, SIOCGIFINDEX, {eth0})',
      'sendmsg(netlink, {address, index, rest}, 0)',
      'recvfrom(netlink, answer, 512, 0, 0, 0)',
      'ppoll(0, errno, {0 s}, 0, 8)',
      'sendmsg(netlink, {up, index, rest}, 0)',
      'recvfrom(netlink, answer, 512, 0, 0, 0)',
      'ppoll(0, errno, {0 s}, 0, 8)',
      'sendmsg(netlink, {move va, &pid}, 0)',
      'recvfrom(netlink, answer, 512, 0, 0, 0)',
      'ppoll(0, errno, {0 s}, 0, 8)',
    ]);
    expect(createdPlan(change, situation).answersBorn).toBe(true);
  });

  it('that nobody asked about are a bug of the caller', () => {
    expect(() => createdPlan(linuxWith({ netDevices: { va: {} } }))).toThrow(RangeError);
  });
});
