// Plans of mounts, for configurations of other people's engines and for any at all: what they look like, and the guards that
// every one of them has. Pure.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileContainer } from '../../../src/container/compile.js';
import { defaultConfig } from '../../../src/container/config/default-config.js';
import type { OciConfig, OciMount } from '../../../src/container/config/schema.js';
import type { HostFiles } from '../../../src/container/host-files.js';
import type { Situation } from '../../../src/container/situation.js';
import { mountOptionNames } from '../../../src/container/steps/mount-options.js';
import { type Arg, label, type Plan, PlanBuilder, type Step } from '../../../src/sys/plan.js';
import { showPlan } from '../../../src/sys/show.js';
import { HOST, REQUEST, SITUATIONS } from './situations.js';

/** An image with /etc/hosts and a link, on a host with one file. */
const files: HostFiles = {
  kindOf: (path) => (path.endsWith('file') ? 'file' : 'directory'),
  inImage: (_, path) =>
    path === '/etc/hosts'
      ? { path, existing: 2, kind: 'file', mode: 0o644 }
      : path === '/var/run/secrets'
        ? { path: '/run/secrets', existing: 1, kind: undefined, mode: undefined }
        : { path, existing: 0, kind: undefined, mode: undefined },
  isEmpty: () => false,
};

/** The container's own steps, with nothing around them. */
function planFor(situation: Situation, config: OciConfig): Plan {
  const b = new PlanBuilder(situation.arch);
  const container = compileContainer(b, config, situation);
  const parent = label('parent');
  container.create(b.word('pid')).toParent(parent);
  container.enter({ rooted: () => {} });
  b.place(parent);
  container.after();
  return b.build();
}

function planOf(situation: Situation, change: (config: OciConfig) => void): Plan {
  const config = defaultConfig(REQUEST);
  change(config);
  return planFor(situation, config);
}

/** The steps from the first mount to the new root, as people read them. */
function mountLesson(plan: Plan): string {
  const lines = showPlan(plan).split('\n');
  const first = lines.findIndex((line) =>
    /what is made gets exactly the modes|a user namespace, to map ids by/.test(line),
  );
  const last = lines.findIndex((line) => line.includes('and stand in the root'));
  return `${lines.slice(first, last + 1).join('\n')}\n`;
}

const VOLUMES: OciMount[] = [
  { destination: '/etc/hosts', type: 'bind', source: '/var/lib/engine/hosts-file', options: ['rbind', 'rprivate'] },
  { destination: '/var/run/secrets', source: 'secrets', options: ['rbind', 'ro', 'nodev', 'nosuid', 'rprivate'] },
  { destination: '/data/deep', source: '/srv/data', options: ['bind', 'rro', 'rslave'] },
  { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['rw', 'nosuid', 'nodev', 'tmpcopyup'] },
  { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
  { destination: '/cache', type: 'ext4', source: '/dev/vdb', options: ['ro', 'noatime', 'errors=continue'] },
];

const LESSONS: Record<string, [Situation, (config: OciConfig) => void]> = {
  'mounts-volumes': [
    { ...SITUATIONS.hybrid, files, bundle: '/bundle' },
    (config) => {
      config.mounts.push(...VOLUMES);
      const fuse = { path: '/dev/fuse', type: 'c', major: 10, minor: 229, uid: 7 } as const;
      config.linux.devices = [...config.linux.devices, fuse];
      config.linux.maskedPaths = ['/proc/keys', '/etc/shadow'];
      config.linux.readonlyPaths = ['/usr'];
    },
  ],
  'mounts-user-namespace': [
    { ...SITUATIONS.v2, files, bundle: '/bundle' },
    (config) => {
      config.linux.namespaces.push({ type: 'user' });
      config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
      config.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
      config.mounts.push(
        ...VOLUMES.slice(0, 2).map((one) => ({ ...one, options: [...one.options, 'idmap'] })),
        VOLUMES[4] as OciMount,
      );
    },
  ],
  'mounts-no-pivot': [
    { ...SITUATIONS.hybrid, noPivot: true, inContainer: true },
    (config) => {
      config.mounts = [{ destination: '/proc', type: 'proc', options: [] }];
      config.linux.rootfsPropagation = 'rshared';
    },
  ],
};

describe('the mounts of a plan', () => {
  it.each(Object.entries(LESSONS))('%s', async (name, [situation, change]) => {
    await expect(mountLesson(planOf(situation, change))).toMatchFileSnapshot(`golden/${name}.txt`);
  });
});

/** The NUL-terminated text at an address. */
function textOf(plan: Plan, arg: Arg | undefined): string {
  if (arg?.kind !== 'addr') return '';
  const end = plan.data.indexOf(0, arg.offset);
  return Buffer.from(plan.data.subarray(arg.offset, end)).toString();
}

/** Where each call has names of the container: the argument of the directory and that of the name. */
const NAMED: Partial<Record<Step['call'], [number, number]>> = {
  mkdirat: [0, 1],
  mknodat: [0, 1],
  symlinkat: [1, 2],
  fchownat: [0, 1],
  fchmodat: [0, 1],
  move_mount: [2, 3],
};

/** Every way in which a step of the child could be led astray by an image. */
function faultsOf(plan: Plan): string[] {
  const began = plan.steps.findIndex(({ why }) => why.startsWith('mount it, so that it can become the root'));
  const ended = plan.steps.findIndex(({ why }) => why.startsWith("hide the host's") || why === 'stand in the new root');
  return plan.steps.slice(began + 1, ended).flatMap((step) => {
    const fault = (what: string) => [`${what}: ${step.call} # ${step.why}`];
    const named = NAMED[step.call];
    if (named) {
      const [at, name] = [step.args[named[0]], textOf(plan, step.args[named[1]])];
      if (at?.kind === 'num') return fault('relative to the working directory');
      if (name.includes('/')) return fault('a path, not a name');
      if (name === '..' || (name === '.' && step.call !== 'fchmodat')) return fault('not a name');
    }
    if (step.call === 'move_mount' && step.args[4]?.kind === 'num' && (step.args[4].value & 0x10n) !== 0n) {
      return fault('a link is followed');
    }
    if (step.call === 'openat2') {
      const how = step.args[2];
      const at = how?.kind === 'addr' ? how.offset + 16 : 0;
      const resolve = new DataView(plan.data.buffer, plan.data.byteOffset).getBigUint64(at, true);
      if (resolve !== 0x12n) return fault('not resolved in the root');
      if (step.args[0]?.kind === 'num') return fault('relative to the working directory');
    }
    return [];
  });
}

const component = fc.constantFrom(
  'a',
  'b',
  'proc',
  'dev',
  'sys',
  'etc',
  'hosts',
  '..',
  '.',
  '',
  'null',
  'pts',
  'run',
  'x y',
);
const path = fc.array(component, { maxLength: 6 }).map((names) => `/${names.join('/')}`);
const mount: fc.Arbitrary<OciMount> = fc.record({
  destination: fc.oneof(
    path,
    path.map((one) => one.slice(1)),
  ),
  type: fc.constantFrom('tmpfs', 'proc', 'sysfs', 'bind', 'cgroup', 'overlay', 'devpts', 'ext4', 'fuse.x', 'ramfs'),
  source: path,
  options: fc.array(fc.oneof(fc.constantFrom(...mountOptionNames()), fc.constantFrom('mode=755', 'size=1', 'x')), {
    maxLength: 5,
  }),
});
const device = fc.record({
  path,
  type: fc.constantFrom('c', 'b', 'u', 'p'),
  major: fc.nat(0xfff),
  minor: fc.nat(0xfffff),
  uid: fc.option(fc.nat(9), { nil: undefined }),
});

describe('any configuration', () => {
  it('makes and mounts by names in directories that are held, never by a path that an image could bend (property)', () => {
    let looked = 0;
    fc.assert(
      fc.property(
        fc.record({
          mounts: fc.array(mount, { maxLength: 5 }),
          devices: fc.array(device, { maxLength: 3 }),
          masked: fc.array(path, { maxLength: 3 }),
          readonly: fc.array(path, { maxLength: 3 }),
          keepsMounts: fc.boolean(),
          seen: fc.boolean(),
          more: fc.constantFrom({}, { inContainer: true }, { inUserNamespace: true }, { noPivot: true }),
          situation: fc.constantFrom(...Object.values(SITUATIONS)),
        }),
        ({ mounts, devices, masked, readonly, keepsMounts, seen, more, situation }) => {
          const idmap = (options: string[]) => options.filter((name) => !/^r?idmap$/.test(name));
          const change = (config: OciConfig) => {
            if (!keepsMounts) config.mounts = [];
            config.mounts.push(...mounts.map((one) => ({ ...one, options: idmap(one.options) })));
            config.linux.devices = devices.map(
              ({ uid, ...one }) => ({ ...one, ...(uid === undefined ? {} : { uid }) }) as never,
            );
            config.linux.maskedPaths = masked;
            config.linux.readonlyPaths = readonly;
          };
          const rootless = 'rootless' in situation ? situation.rootless : undefined;
          const config = defaultConfig({ ...REQUEST, ...(rootless ? { rootless } : {}) });
          change(config);
          const plan = planFor({ ...situation, ...more, ...(seen ? { files } : {}) } as Situation, config);
          looked += plan.steps.length;
          expect(faultsOf(plan)).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
    expect(looked).toBeGreaterThan(10_000);
  });

  it('would be seen to have a fault, if it had one', () => {
    const plan = planOf(SITUATIONS.hybrid, (config) =>
      config.mounts.push({ destination: '/a/b', type: 'tmpfs', options: [] }),
    );
    const made = plan.steps.find(({ why }) => why === 'make sure that /a exists');
    const found = plan.steps.find(({ call }) => call === 'openat2');
    if (!made || found?.args[2]?.kind !== 'addr') throw new Error('there are no such steps');
    made.args[0] = { kind: 'num', value: -100n };
    new DataView(plan.data.buffer, plan.data.byteOffset).setBigUint64(found.args[2].offset + 16, 0n, true);
    expect(faultsOf(plan)).toContain('relative to the working directory: mkdirat # make sure that /a exists');
    expect(faultsOf(plan).some((fault) => fault.startsWith('not resolved in the root'))).toBe(true);
  });

  it('labels the files of new file systems, where SELinux does, but for proc and sysfs', () => {
    const label = 'system_u:object_r:container_file_t:s0:c1,c2';
    const labelled = (selinux: boolean) =>
      planOf({ ...SITUATIONS.hybrid, host: { ...HOST, labels: () => ({ apparmor: false, selinux }) } }, (config) => {
        config.linux.mountLabel = label;
        config.mounts.push({ destination: '/m', type: 'overlay', options: [`lowerdir=${'/long'.repeat(60)}`] });
      }).steps.flatMap((step) => (step.why === `with context=${label}` ? [step.from] : []));
    expect(labelled(true)).toEqual(['mounts[2]', 'mounts[3]', 'mounts[4]', 'mounts[5]']);
    expect(() => labelled(false)).toThrow('linux.mountLabel needs SELinux, which this kernel runs without');
    const plan = planOf(
      { ...SITUATIONS.hybrid, host: { ...HOST, labels: () => ({ apparmor: false, selinux: true }) } },
      (config) => {
        config.linux.mountLabel = label;
        config.mounts = [{ destination: '/m', type: 'overlay', options: ['ro', `lowerdir=${'/long'.repeat(60)}`] }];
      },
    );
    // mount(2) separates options by commas, so a label with some is quoted.
    const mount = plan.steps.find(({ call, why }) => call === 'mount' && why.includes('overlay'));
    expect(textOf(plan, mount?.args[4])).toBe(`lowerdir=${'/long'.repeat(60)},context="${label}"`);
  });

  it('may say any mode, and the kernel judges it', () => {
    for (const mode of ['mode=zz', 'mode=9', 'mode=777777777777', 'mode=', 'mode=1777']) {
      const plan = planOf({ ...SITUATIONS.hybrid, files: { ...files, inImage: () => undefined } }, (config) => {
        config.mounts.push({ destination: '/m', type: 'tmpfs', options: ['tmpcopyup', mode] });
      });
      const last = plan.steps.filter(({ call }) => call === 'fchmodat');
      expect(
        last.map(({ args }) => args[2]),
        mode,
      ).toEqual(mode === 'mode=1777' ? [{ kind: 'num', value: 0o1777n, text: '01777' }] : []);
    }
  });

  it('is read-only only when all is in place', () => {
    const plan = planOf(SITUATIONS.hybrid, (config) => {
      config.root.readonly = true;
      config.mounts.push(
        { destination: '/m', type: 'tmpfs', options: ['ro'] },
        { destination: '/m/n', type: 'tmpfs', options: [] },
      );
    });
    const indexOf = (why: string) => plan.steps.findIndex((step) => step.why === why);
    expect(indexOf('now it is read-only')).toBeGreaterThan(indexOf('mount it at /m/n'));
  });
});
