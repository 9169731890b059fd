// Namespaces that are new, joined or shared; maps of ids; clocks; kernel parameters; network devices. Needs root, and dist/
// (npm test builds it).
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { OciConfig, OciNamespaceType } from '../../../src/container/config/schema.js';
import { NAMESPACE_FILES } from '../../../src/container/host-abilities.js';
import { isRoot, needs } from '../../skips.js';
import { Bundle, type CallOptions, type Change, fieldsOf } from './oci-bundle.js';

let bundle: Bundle;
beforeAll(async () => {
  bundle = await Bundle.make();
});
beforeEach((context) => needs(context, 'root', isRoot));
afterAll(() => bundle[Symbol.dispose]());

const TYPES = Object.keys(NAMESPACE_FILES) as OciNamespaceType[];
const linkOf = (type: OciNamespaceType, pid: number | 'self' = 'self') => `/proc/${pid}/ns/${NAMESPACE_FILES[type]}`;
const own = (type: OciNamespaceType) => readlinkSync(linkOf(type));

const namespaces = (...wanted: (OciNamespaceType | { type: OciNamespaceType; path: string })[]): Change => {
  return ({ linux }) => {
    linux.namespaces = wanted.map((one) => (typeof one === 'string' ? { type: one } : one));
  };
};
const RANGE = [{ containerID: 0, hostID: 300000, size: 65536 }];
const both =
  (...changes: Change[]): Change =>
  (config: OciConfig) => {
    for (const change of changes) change(config);
  };
const mapped: Change = ({ linux }) => {
  linux.namespaces.push({ type: 'user' });
  linux.uidMappings = linux.gidMappings = RANGE;
};
/** In which namespace a container finds itself. */
const seen = (type: OciNamespaceType, change: Change, options?: CallOptions) =>
  bundle.output(['readlink', linkOf(type)], change, options);

describe('namespaces', () => {
  it('are new for each type that is listed, and the host’s for the others', async () => {
    const listed: OciNamespaceType[] = ['mount', 'pid', 'ipc', 'cgroup'];
    for (const type of TYPES) {
      const link = await seen(type, namespaces(...listed));
      expect([type, link === own(type)]).toEqual([type, !listed.includes(type)]);
    }
  });

  it('may all be new', async () => {
    for (const type of TYPES) {
      expect(await seen(type, both(namespaces(...TYPES.filter((one) => one !== 'user')), mapped))).not.toBe(own(type));
    }
  });

  it('bring up a loopback device of their own only', async () => {
    expect(await bundle.output(['loopback'])).toBe('up');
    expect(await bundle.output(['hostname'], ({ hostname: _, ...config }) => config)).not.toBe('');
  });

  it('are joined by path', async () => {
    await bundle.running(both(mapped), async ({ pid }) => {
      const types: OciNamespaceType[] = ['user', 'network', 'ipc', 'uts', 'pid'];
      const change: Change = both(namespaces('mount', ...types.map((type) => ({ type, path: linkOf(type, pid) }))));
      for (const type of [...types, 'mount' as const]) {
        const link = await seen(type, change);
        expect([type, link === readlinkSync(linkOf(type, pid))]).toEqual([type, type !== 'mount']);
      }
      // It is one of that pid namespace's processes, and no child of any of them.
      expect(await bundle.output(['ids'], change)).toMatch(/^\d+ 0 0 0$/);
    });
  });

  it('are joined one by one, new ones beside them', async () => {
    await bundle.running(
      () => {},
      async ({ pid }) => {
        for (const type of ['network', 'ipc', 'uts', 'pid'] as const) {
          const others = (['mount', 'pid', 'network', 'ipc', 'uts'] as const).filter((other) => other !== type);
          const change = namespaces(...others, { type, path: linkOf(type, pid) });
          expect(await seen(type, change)).toBe(readlinkSync(linkOf(type, pid)));
        }
      },
    );
  });

  it('that are new belong to a user namespace that is joined', async () => {
    await bundle.running(mapped, async ({ pid }) => {
      const user = { type: 'user' as const, path: linkOf('user', pid) };
      const change = both(namespaces('mount', 'pid', 'network', 'ipc', 'uts', user), ({ linux }) => {
        linux.sysctl = { 'net.ipv4.ip_forward': '1' };
      });
      expect(await bundle.output(['cat', '/proc/sys/net/ipv4/ip_forward'], change)).toBe('1');
      expect(await bundle.output(['ids'], change)).toBe('1 0 0 0');
      expect((await bundle.output(['cat', '/proc/self/uid_map'], change)).split(/\s+/).filter(Boolean)).toEqual([
        '0',
        '300000',
        '65536',
      ]);
    });
  });

  it('of the host are joined before a new user namespace takes the privileges for that', async () => {
    await bundle.running(
      () => {},
      async ({ pid }) => {
        const network = { type: 'network' as const, path: linkOf('network', pid) };
        const change = both(namespaces('mount', 'pid', 'ipc', 'uts', network), mapped);
        expect(await seen('network', change)).toBe(readlinkSync(linkOf('network', pid)));
        expect(await seen('user', change)).not.toBe(own('user'));
      },
    );
  });

  it('that are joined hold nobody who could reach into a process before its program runs (CVE-2016-9962)', async () => {
    await bundle.running(
      () => {},
      async ({ id, pid }) => {
        const waiting = `${id}-waiting`;
        bundle.write(['sleep', '60'], namespaces('mount', { type: 'pid', path: linkOf('pid', pid) }));
        const output = join(bundle.dir, 'output');
        expect((await bundle.call(['create', '--bundle', bundle.dir, waiting], { output })).code).toBe(0);
        try {
          const { pid: other } = JSON.parse((await bundle.call(['state', waiting])).stdout) as { pid: number };
          const inside = fieldsOf(readFileSync(`/proc/${other}/status`, 'utf8'))
            .NSpid?.split('\t')
            .at(-1);
          const reach = async () =>
            (await bundle.call(['exec', id, '/probe', 'readlink', `/proc/${inside}/root`])).stdout;
          expect(await reach()).toBe(`/proc/${inside}/root: Permission denied\n`);
          await bundle.call(['start', waiting]);
          expect(await reach()).toBe('/\n'); // now it is the program, and like any other
        } finally {
          await bundle.call(['delete', '--force', waiting]);
        }
      },
    );
  });

  it.each([
    ['a file that is no namespace', '/etc/passwd', /linux\.namespaces\[1\]\.path.*EINVAL/],
    ['another type', '/proc/self/ns/uts', /linux\.namespaces\[1\]\.path.*EINVAL/],
    ['nothing', '/no/such/file', /linux\.namespaces\[1\]\.path.*ENOENT/],
  ])('that are said to be at %s are refused by their path', async (_, path, message) => {
    expect(await bundle.refusal(namespaces('mount', { type: 'network', path }))).toMatch(message);
  });

  it.each([
    [namespaces('mount', 'pid', 'pid'), 'linux.namespaces[2].type is there twice: pid'],
    [
      both(namespaces('mount'), (config) => {
        config.hostname = 'box';
      }),
      'hostname would be the host’s: it needs a uts namespace',
    ],
    [
      both(namespaces('mount', { type: 'uts', path: '/proc/self/ns/uts' }), (config) => {
        config.domainname = 'box';
      }),
      'domainname would be the host’s: it needs a uts namespace',
    ],
    [
      ({ linux }: OciConfig) => {
        linux.uidMappings = RANGE;
      },
      'linux.uidMappings needs a user namespace in linux.namespaces',
    ],
    [namespaces('mount', 'user'), 'linux.uidMappings is needed with a new user namespace'],
    [
      ({ linux }: OciConfig) => {
        linux.timeOffsets = { monotonic: { secs: 1 } };
      },
      'linux.timeOffsets needs a new time namespace in linux.namespaces',
    ],
    [
      both(mapped, ({ process }) => {
        process.user = { uid: 70000, gid: 0 };
      }),
      'process.user.uid is 70000, which linux.uidMappings does not map',
    ],
  ] as [Change, string][])('%# that cannot be so are refused', async (change, message) => {
    expect(await bundle.refusal(change)).toContain(message.replace('’', "'"));
  });
});

describe('ids', () => {
  it('are mapped in ranges, several of them', async () => {
    const uidMappings = [
      { containerID: 0, hostID: 400000, size: 1000 },
      { containerID: 1000, hostID: 0, size: 1 },
      { containerID: 1001, hostID: 500000, size: 10 },
    ];
    const change = both(mapped, ({ linux, process }) => {
      linux.uidMappings = linux.gidMappings = uidMappings;
      process.user = { uid: 1005, gid: 7, additionalGids: [8, 1000] };
    });
    const words = (await bundle.output(['cat', '/proc/self/uid_map'], change)).split(/\s+/).filter(Boolean);
    expect(words.map(Number)).toEqual(uidMappings.flatMap((one) => [one.containerID, one.hostID, one.size]));
    const { Uid, Gid, Groups } = fieldsOf(await bundle.output(['cat', '/proc/self/status'], change));
    expect([Uid?.split('\t')[0], Gid?.split('\t')[0], Groups]).toEqual(['1005', '7', '1000 8']);
  });

  it('of files that the container makes are those of the host’s range', async () => {
    const change = both(mapped, ({ mounts }) => {
      mounts.push({ destination: '/dev/scratch', type: 'tmpfs', options: ['mode=777'] });
    });
    await bundle.running(change, async ({ id, pid }) => {
      expect((await bundle.call(['exec', id, '/probe', 'make', '/dev/scratch/x'])).stdout).toBe('/dev/scratch/x: ok\n');
      const owner = fieldsOf(readFileSync(`/proc/${pid}/status`, 'utf8')).Uid?.split('\t')[0];
      expect(owner).toBe('300000');
    });
  });

  it('may have limits that only the host could raise', async () => {
    const change = both(mapped, ({ process }) => {
      process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 50, hard: 60 }];
    });
    expect(await bundle.output(['cat', '/proc/self/limits'], change)).toMatch(/^Max open files +50 +60/m);
  });
});

describe('clocks', () => {
  const uptime = async (change: Change) => Number((await bundle.output(['cat', '/proc/uptime'], change)).split(' ')[0]);
  const apart: Change = ({ linux }) => {
    linux.namespaces.push({ type: 'time' });
    linux.timeOffsets = { boottime: { secs: 1_000_000 }, monotonic: { secs: -1, nanosecs: 500 } };
  };

  it('are set apart in a time namespace', async () => {
    const here = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
    expect(await uptime(apart)).toBeGreaterThan(here + 999_999);
    expect(await uptime(both(mapped, apart))).toBeGreaterThan(here + 999_999);
  });

  it('are the same for a further program, and for who joins the namespace', async () => {
    const here = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
    await bundle.running(apart, async ({ id, pid }) => {
      const { stdout } = await bundle.call(['exec', id, '/probe', 'cat', '/proc/uptime']);
      expect(Number(stdout.split(' ')[0])).toBeGreaterThan(here + 999_999);
      const change = namespaces('mount', 'pid', { type: 'time', path: linkOf('time', pid) });
      expect(await uptime(change)).toBeGreaterThan(here + 999_999);
    });
  });
});

describe('kernel parameters', () => {
  const sysctl =
    (parameters: Record<string, string>): Change =>
    ({ linux }) => {
      linux.sysctl = parameters;
    };

  it('of its namespaces are set, with dots or slashes', async () => {
    const change = sysctl({ 'kernel.msgmax': '9001', 'net/ipv4/ip_forward': '1', 'fs.mqueue.msg_max': '17' });
    for (const [path, value] of [
      ['kernel/msgmax', '9001'],
      ['net/ipv4/ip_forward', '1'],
      ['fs/mqueue/msg_max', '17'],
    ]) {
      expect(await bundle.output(['cat', `/proc/sys/${path}`], change)).toBe(value);
    }
    expect(readFileSync('/proc/sys/kernel/msgmax', 'utf8').trim()).not.toBe('9001');
  });

  it('are set before they are made read-only, and without a /proc too', async () => {
    const readonly = both(sysctl({ 'kernel.msgmax': '9002' }), ({ linux }) => {
      linux.readonlyPaths = ['/proc/sys'];
    });
    expect(await bundle.output(['cat', '/proc/sys/kernel/msgmax'], readonly)).toBe('9002');
    const without = both(sysctl({ 'kernel.domainname': 'example' }), ({ mounts }) => {
      mounts.splice(0, 1);
    });
    expect((await bundle.run(['true'], without)).code).toBe(0);
  });

  it('in a user namespace are its own to set', async () => {
    const change = both(mapped, sysctl({ 'net.ipv4.ip_forward': '1' }));
    expect(await bundle.output(['cat', '/proc/sys/net/ipv4/ip_forward'], change)).toBe('1');
  });

  it.each([
    ['kernel.core_pattern', 'is no parameter of a namespace'],
    ['vm.overcommit_memory', 'is no parameter of a namespace'],
    ['net/../kernel/core_pattern', 'is no name of a kernel parameter'],
    ['kernel.hostname', 'is what the property hostname is for'],
    ['net.no.such.thing', 'ENOENT'],
  ])('%s is refused', async (key, why) => {
    const said = await bundle.refusal(sysctl({ [key]: '1' }));
    expect(said).toContain(`linux.sysctl.${key}`);
    expect(said).toContain(why);
  });

  it('of a namespace that is the host’s are refused', async () => {
    const change = both(
      namespaces('mount', 'pid', { type: 'network', path: '/proc/self/ns/net' }),
      sysctl({ 'net.ipv4.ip_forward': '1' }),
    );
    expect(await bundle.refusal(change)).toContain('it needs a network namespace');
  });
});

describe('network devices', () => {
  const script = (lines: string) => ({
    wrapper: ['unshare', '--net', 'sh', '-c', `${lines}; exec "$@"`, 'sh'],
  });
  const veth = [
    'set -e; ip link add va type veth peer name vb',
    'ip addr add 10.9.0.1/24 brd + dev va; ip addr add fd00:9::1/64 dev va nodad; ip link set va up; ip link set vb up',
  ].join('; ');
  const devices =
    (netDevices: Record<string, { name?: string }>): Change =>
    ({ linux }) => {
      linux.netDevices = netDevices;
    };

  it('move into the container under their new names, with their addresses, and come up', async () => {
    for (const change of [devices({ va: { name: 'eth7' } }), both(devices({ va: { name: 'eth7' } }), mapped)]) {
      expect(await bundle.output(['ls', '/proc/sys/net/ipv4/conf'], change, script(veth))).toContain('eth7');
      const addresses = await bundle.output(['cat', '/proc/net/fib_trie'], change, script(veth));
      expect(addresses).toContain('10.9.0.1');
      expect(addresses).toContain('10.9.0.255');
      const six = await bundle.output(['cat', '/proc/net/if_inet6'], change, script(veth));
      expect(six).toMatch(/^fd000009000000000000000000000001 .* 40 00 \w+ +eth7$/m);
      expect(await bundle.output(['cat', '/proc/net/route'], change, script(veth))).toMatch(/^eth7\t0000090A\t/m);
    }
  });

  it.each([
    [devices({ nosuch: {} }), 'linux.netDevices.nosuch is no device here: ENODEV'],
    [devices({ va: { name: 'lo' } }), 'linux.netDevices.va.name is no name of a network device: lo'],
    [devices({ va: { name: 'x' }, vb: { name: 'x' } }), 'linux.netDevices.vb.name is taken by another device: x'],
    [both(namespaces('mount', 'pid'), devices({ va: {} })), 'linux.netDevices.va needs a network namespace'],
  ])('%# that cannot move are refused', async (change, message) => {
    expect(await bundle.refusal(change, script(veth))).toContain(message);
  });

  it('move into a namespace that is joined too; a name that is taken there is refused by its path', async () => {
    await bundle.running(
      devices({ va: { name: 'eth0' }, vb: {} }),
      async ({ pid }) => {
        const joined = namespaces('mount', 'pid', { type: 'network', path: linkOf('network', pid) });
        const change = (name: string) => both(joined, devices({ va: { name } }));
        expect(await bundle.output(['ls', '/proc/sys/net/ipv4/conf'], change('eth1'), script(veth))).toMatch(
          /eth0(.|\n)*eth1/,
        );
        expect(await bundle.refusal(change('eth0'), script(veth))).toMatch(/linux\.netDevices\.va.*with errno 0/);
      },
      script(veth),
    );
  });
});
