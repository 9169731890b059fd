// What criu is asked for, and the plans that ask it, compared with golden files.
import { describe, expect, it } from 'vitest';
import type { CriuFlags } from '../../../../src/oci/checkpoint/criu-flags.js';
import { encodeAnswer, messageIn } from '../../../../src/oci/checkpoint/criu-steps.js';
import { dumpPlan } from '../../../../src/oci/checkpoint/dump-plan.js';
import { type DumpSituation, dumpRequest, lost } from '../../../../src/oci/checkpoint/dump-request.js';
import { restorePlan } from '../../../../src/oci/checkpoint/restore-plan.js';
import { restoreRequest } from '../../../../src/oci/checkpoint/restore-request.js';
import { encodePlan } from '../../../../src/sys/encode.js';
import { showPlan } from '../../../../src/sys/show.js';
import { CRIU, cgroup, configWith, FLAGS, MACHINE, PLACES, RESOLVED, SEEN } from './example.js';

const golden = (value: unknown, name: string) =>
  expect(typeof value === 'string' ? value : `${JSON.stringify(value, null, 2)}\n`).toMatchFileSnapshot(
    `golden/${name}`,
  );

const PODMAN = [{ type: 'pid' }, { type: 'mount' }, { type: 'network', path: '/run/netns/a' }];

function dump(flags: Partial<CriuFlags> = {}, seen: Partial<DumpSituation> = {}, config = configWith()) {
  const record = { init: { pid: 4711, startTime: '1' }, rootfs: '/b/rootfs', cgroup: cgroup().cgroup };
  return dumpRequest(config, record, { ...SEEN, ...seen }, { ...FLAGS, ...flags });
}

function restore(flags: Partial<CriuFlags> = {}, config = configWith(), emptyNetwork = false) {
  const notes = { external: [...SEEN.external], stdio: [...SEEN.stdio], emptyNetwork };
  const { tools } = SEEN;
  const seen = { ...PLACES, cgroup: cgroup().cgroup, places: MACHINE.cgroups, notes, resolved: RESOLVED, tools };
  return restoreRequest(config, seen, { ...FLAGS, ...flags });
}

describe('a dump asks for', () => {
  it('everything', () => golden(dump(), 'dump.json'));

  it('what is outside to be left out, and the network of others', () => {
    const joined = { network: 4026532000n, pid: 4026532001n };
    return golden(dump({ tcpEstablished: true }, { joined }, configWith({ namespaces: PODMAN })), 'dump-joined.json');
  });

  it('only the memory, as far as it has changed', () => {
    const { type, opts } = dump({ preDump: true, parentPath: '../first' });
    expect(type).toBe(13);
    expect(dump({ preDump: true }, { criuVersion: 31500 }).type).toBe(4);
    expect(opts).toMatchObject({ track_mem: true, parent_img: '../first' });
    expect(dump().opts).not.toHaveProperty('track_mem');
  });

  it('pages over the network', () => {
    const { opts } = dump({ lazyPages: true, pageServer: { address: '127.0.0.1', port: 27 } });
    expect(opts).toMatchObject({ lazy_pages: true, ps: { address: '127.0.0.1', port: 27 } });
  });

  it.each<[string, Partial<CriuFlags>, Partial<DumpSituation>, boolean]>([
    ['there is only the loopback', {}, { netDevices: ['lo', 'sit0'] }, false],
    ['it leads out', {}, { netDevices: ['lo', 'eth0'] }, true],
    ['the flag says so', { emptyNetwork: true }, {}, true],
    ['ip(8) is missing', {}, { tools: { ip: false, iptables: true } }, true],
  ])('a network without devices, or a whole one: %s', (_, flags, seen, empty) => {
    expect('empty_ns' in (dump(flags, seen).opts ?? {})).toBe(empty);
  });

  it('a lock by nftables where there is no iptables', () => {
    expect(dump({}, { tools: { ip: true, iptables: false } }).opts?.network_lock).toBe(2);
    expect(dump({ networkLock: 'skip' }).opts?.network_lock).toBe(3);
    expect(dump().opts).not.toHaveProperty('network_lock');
  });

  it.each([
    [[{ type: 'pid' }], 'linux.namespaces has no mount namespace'],
    [[{ type: 'mount', path: '/proc/1/ns/mnt' }], 'linux.namespaces[0].path is a mount namespace of others'],
  ])('nothing where the container is not apart', (namespaces, message) => {
    expect(() => dump({}, {}, configWith({ namespaces }))).toThrow(message);
  });

  it('and tells which devices are lost', () => {
    expect(lost(['lo', 'eth0', 'ip6tnl0', 'tap3'])).toEqual(['eth0', 'tap3']);
  });
});

describe('a restore asks for', () => {
  it('everything, in its own cgroup', () => golden(restore(), 'restore.json'));

  it('the network of others, by a descriptor', () => {
    const { opts } = restore({}, configWith({ namespaces: PODMAN }), true);
    expect(opts?.inherit_fd?.[0]).toEqual({ key: 'extRootNetNS', fd: 100 });
    expect(opts?.empty_ns).toBe(0x40000000);
  });

  it('other namespaces of others, by a path', () => {
    const namespaces = [{ type: 'mount' }, { type: 'ipc', path: '/ns/ipc' }, { type: 'uts', path: '/ns/uts' }];
    expect(restore({}, configWith({ namespaces })).opts?.join_ns).toEqual([
      { ns: 'ipc', ns_file: '/ns/ipc' },
      { ns: 'uts', ns_file: '/ns/uts' },
    ]);
    const wrong = configWith({ namespaces: [{ type: 'mount' }, { type: 'cgroup', path: '/ns/cgroup' }] });
    expect(() => restore({}, wrong)).toThrow('linux.namespaces[1].path is a cgroup namespace of others');
  });

  it('no cgroups, when they are not its business', () => {
    expect(restore({ cgroupsMode: 'ignore' }).opts).toMatchObject({ manage_cgroups_mode: 0, cg_root: [] });
  });
});

describe('the plan', () => {
  const images = { criu: CRIU, imagesDir: '/images/c' };
  const CASES = {
    'dump-plan': () => dumpPlan('x86_64', { ...images, request: dump() }),
    'dump-plan-lazy': () => dumpPlan('x86_64', { ...images, workDir: '/work', request: dump(), statusFd: 5 }),
    'restore-plan': () =>
      restorePlan(configWith(), MACHINE, cgroup(), { ...images, ...PLACES, request: restore(), bareNetwork: true }),
    'restore-plan-terminal': () =>
      restorePlan(configWith({ terminal: true, namespaces: PODMAN }), MACHINE, cgroup(), {
        ...{ ...images, ...PLACES, request: restore(), consoleSocket: '/run/console.sock' },
      }),
    'restore-plan-foreground': () =>
      restorePlan(configWith({ terminal: true }), MACHINE, cgroup(), {
        ...{ ...images, ...PLACES, request: restore(), foreground: { relayPath: '/cache/vlab-relay' } },
      }),
  };

  it.each(Object.entries(CASES))('%s', async (name, make) => {
    const plan = make();
    // The rounds are alike: the first, the second and the last are enough to read.
    const lines = showPlan(plan).split('\n');
    const rounds = lines.flatMap((line, index) => (line.includes('wait for its message') ? [index] : []));
    const shown = [...lines.slice(0, rounds[2]), '…', ...lines.slice(rounds.at(-1))].join('\n');
    await golden(shown, `${name}.txt`);
    expect(encodePlan(plan, 1n).length).toBeLessThan(128 << 10);
    expect(plan.steps.map(({ why }) => why).filter((why) => why.length < 5 || why.length > 80)).toEqual([]);
  });
});

describe('what goes between criu and the caller', () => {
  it('is a message with its length; without one criu has ended', () => {
    const note = Buffer.alloc(2048);
    note.writeBigInt64LE(3n);
    note.write('abcdef', 8);
    expect(messageIn(note)?.toString()).toBe('abc');
    for (const gone of [0n, -104n]) {
      note.writeBigInt64LE(gone);
      expect(messageIn(note)).toBeUndefined();
    }
  });

  it('is answered with whether it goes on, errands, and a pid', () => {
    expect(encodeAnswer({ more: true, errands: ['loopback'], pid: 77 }).toString('hex')).toBe(
      '01000000 00000000 01000000 00000000 4d000000 00000000'.replaceAll(' ', ''),
    );
    expect(encodeAnswer({ more: false })).toEqual(Buffer.alloc(24));
  });
});
