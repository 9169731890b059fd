/**
 * features.md and features-linux.md. A runtime may do without the document; one that has it is held to it, whatever version
 * it follows.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { fail, hold, match, see } from '../assert.js';
import { runCommand } from '../command.js';
import type { Mount } from '../config.js';
import { FEATURES, type Features, SEMVER } from '../documents.js';
import { readMachine } from '../machine.js';
import { CAPABILITIES, capabilitiesIn, capabilityMask, field } from '../proc-text.js';
import type { Scene } from '../scene.js';
import { NotApplicable, under } from '../test-type.js';

const document = under('features.md#features-structure');
const version = under('features.md#specification-version');
const linux = (heading: string) => under(`features-linux.md#${heading}`);

async function text(t: Scene): Promise<string> {
  const ran = await runCommand([...t.place.words, 'features'], { env: t.place.env });
  if (ran.code !== 0) throw new NotApplicable('the runtime provides no features document, which is optional');
  return ran.stdout;
}

async function features(t: Scene): Promise<Features> {
  return JSON.parse(await text(t)) as Features;
}

/** The list, or the test does not apply: it is optional. */
function listed(list: string[] | null | undefined, what: string): string[] {
  if (!list) throw new NotApplicable(`the document does not list ${what}, which is optional`);
  hold(`${what} are listed`, list.length > 0);
  return list;
}

/** Options of the document that are not flags of a new tmpfs: how they are given instead. */
function mountFor(option: string, destination: string, source: string): Mount {
  const recursive = /^r(?!w$|o$|elatime$|emount$)/.test(option);
  if (option === 'remount') {
    // What it changes is mounted first.
    return { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['remount'] };
  }
  if (recursive || /bind|private|shared|slave|idmap|copy-symlink|nofollow|^src-/.test(option)) {
    const mappings = [{ containerID: 0, hostID: 5000, size: 1000 }];
    const ids = option.endsWith('idmap') ? { uidMappings: mappings, gidMappings: mappings } : {};
    return { destination, source, options: ['rbind', option], ...ids };
  }
  return { destination, type: 'tmpfs', source: 'tmpfs', options: [option] };
}

/** libseccomp refuses to mix byte orders in one filter. */
const BIG_ENDIAN = /_(MIPS(64)?(N32)?|PPC(64)?|S390X?|PARISC(64)?|M68K|SHEB)$/;

function atLeast(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text_) => text_.split(/[-+]/)[0]?.split('.').map(Number) ?? []);
  for (let i = 0; i < 3; i++) {
    if ((a?.[i] ?? 0) !== (b?.[i] ?? 0)) return (a?.[i] ?? 0) > (b?.[i] ?? 0);
  }
  return true;
}

export const FEATURE_TESTS = [
  document.may('the document adheres to its definition', async (t) => {
    const { issues } = v.safeParse(FEATURES, await features(t));
    see(
      'what is wrong',
      issues?.map(({ message, path }) => `${path?.map(({ key }) => key).join('.')}: ${message}`) ?? [],
      [],
    );
  }),
  document.should('the document is the same each time', async (t) => {
    const [one, two] = [await text(t), await text(t)];
    match('text', one, /ociVersionMin/);
    see('the second time', two, one);
  }),
  ...(['ociVersionMin', 'ociVersionMax'] as const).map((name) =>
    version.must(`${name} is accepted as ociVersion`, async (t) => {
      const value = (await features(t))[name];
      match(name, value, SEMVER);
      see('output', await t.output(['echo', 'accepted'], { ociVersion: value }), 'accepted\n');
    }),
  ),
  version.mustNot('ociVersionMax is less than ociVersionMin', async (t) => {
    const { ociVersionMin, ociVersionMax } = await features(t);
    hold(`${ociVersionMax} is at least ${ociVersionMin}`, atLeast(ociVersionMax, ociVersionMin));
  }),
  under('features.md#hooks').must('the hooks that are listed are supported', async (t) => {
    const names = listed((await features(t)).hooks, 'hooks');
    const container = t.container(
      ['true'],
      Object.fromEntries(
        names.map((name) => {
          const inside = name === 'startContainer';
          const path = inside ? '/probe' : t.probe;
          const mark = inside ? '/out/startContainer' : join(t.dir, name);
          return [`hooks.${name}`, [{ path, args: ['probe', 'make', mark] }]];
        }),
      ),
    );
    await container.create();
    await container.start();
    await container.stopped();
    await container.delete();
    const mark = (name: string) =>
      name === 'startContainer' ? join(container.rootfs, 'out/startContainer') : join(t.dir, name);

    see(
      'hooks that did not run',
      names.filter((name) => !existsSync(mark(name))),
      [],
    );
  }),
  under('features.md#mount-options').must('the mount options that are listed are recognized', async (t) => {
    const options = listed((await features(t)).mountOptions, 'mount options');
    // An option that is not recognized goes to the file system, which refuses it.
    const faulty: string[] = [];
    const source = join(t.dir, 'source');
    mkdirSync(source);
    const mounts = options.map((option, i) => mountFor(option, `/data/m${i}`, source));
    const all = t.container(['true'], {
      'mounts++': [{ destination: '/tmp', type: 'tmpfs', source: 'tmpfs' }, ...mounts],
    });
    if ((await all.tryCreate()).code === 0) return;
    for (const [i, mount] of mounts.entries()) {
      const one = t.container(['true'], {
        'mounts++': [{ destination: '/tmp', type: 'tmpfs', source: 'tmpfs' }, mount],
      });
      const ran = await one.tryCreate();
      if (ran.code !== 0) faulty.push(`${options[i]}: ${ran.stderr.trim().slice(-120)}`);
      await one.remove();
    }
    see('options that are not recognized', faulty, []);
    fail('the options are recognized one by one, but not together');
  }),
  under('features.md#mount-options').shouldNot('options of certain file systems are listed', async (t) => {
    const options = listed((await features(t)).mountOptions, 'mount options');
    see(
      'options of file systems',
      options.filter((option) =>
        /^(size|mode|uid|gid|nr_inodes|nr_blocks|lowerdir|upperdir|workdir|newinstance)/.test(option),
      ),
      [],
    );
  }),
  linux('namespaces').must('the namespaces that are listed are recognized', async (t) => {
    const types = listed((await features(t)).linux?.namespaces, 'namespaces');
    const mappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    const container = await t.created(['true'], {
      'linux.namespaces': types.map((type) => ({ type })),
      'linux.uidMappings': mappings,
      'linux.gidMappings': mappings,
    });
    see('status', (await container.state()).status, 'created');
  }),
  linux('capabilities').must('the capabilities that are listed are recognized', async (t) => {
    const names = listed((await features(t)).linux?.capabilities, 'capabilities');
    const own = capabilitiesIn(readFileSync('/proc/self/status', 'utf8'), 'CapBnd');
    const granted = names.filter((name) => own.includes(name) || !CAPABILITIES.includes(name));
    const status = await t.output(['cat', '/proc/self/status'], {
      'process.capabilities': { bounding: granted, permitted: granted, effective: granted },
    });
    see('bounding', field(status, 'CapBnd'), capabilityMask(granted));
  }),
  linux('seccomp').must(
    'the seccomp actions, operators, architectures and flags that are listed are recognized',
    async (t) => {
      const { seccomp } = (await features(t)).linux ?? {};
      const names = [
        'getpgid',
        'getsid',
        'getpriority',
        'getgroups',
        'sched_getattr',
        'sysinfo',
        'times',
        'sync',
        'getitimer',
      ];
      const actions = listed(seccomp?.actions, 'seccomp actions').filter((action) => action !== 'SCMP_ACT_NOTIFY');
      const operators = listed(seccomp?.operators, 'seccomp operators');
      // Some flags exclude each other or need SCMP_ACT_NOTIFY.
      const flags = (seccomp?.supportedFlags ?? []).filter((flag) => !flag.includes('WAIT_KILLABLE'));
      const container = await t.created(['true'], {
        'linux.seccomp': {
          defaultAction: 'SCMP_ACT_ALLOW',
          architectures: seccomp?.archs?.filter((arch) => !BIG_ENDIAN.test(arch)) ?? [],
          flags,
          syscalls: [
            ...actions
              .filter((action) => action !== 'SCMP_ACT_ALLOW')
              .map((action, i) => ({ names: [names[i] ?? 'acct'], action })),
            ...operators.map((op, i) => ({
              names: ['ioprio_get'],
              action: 'SCMP_ACT_ERRNO',
              args: [{ index: 0, value: 1000 + i, valueTwo: 0, op }],
            })),
          ],
        },
      });
      await container.start();
      see('what the program writes', await container.finished(), '');
    },
    { needs: ['seccomp'] },
  ),
  linux('memorypolicy').must(
    'the memory policies that are listed are recognized',
    async (t) => {
      const modes = listed((await features(t)).linux?.memoryPolicy?.modes, 'memory policies');
      for (const mode of modes) {
        const nodes = ['MPOL_DEFAULT', 'MPOL_LOCAL'].includes(mode) ? {} : { nodes: '0' };
        see(mode, await t.output(['echo', mode], { 'linux.memoryPolicy': { mode, ...nodes } }), `${mode}\n`);
      }
    },
    { needs: ['NUMA'] },
  ),
  linux('cgroup').must(
    'v1 is listed by a runtime that uses it',
    async (t) => {
      const { cgroup } = (await features(t)).linux ?? {};
      if (cgroup?.v1 === undefined || cgroup.v1 === null)
        throw new NotApplicable('the document does not tell of cgroup v1');
      const container = await t.created();
      const used = container.cgroups().some((folder) => folder !== readMachine().cgroups.v2);
      see('v1', cgroup.v1, used);
    },
    { needs: ['v1 memory'] },
  ),
];
