/** config.md: the table of Linux mount options. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, hold, match, see } from '../assert.js';
import { expectSuccess, runCommand } from '../command.js';
import type { Change, Mount } from '../config.js';
import { type MountLine, mountAt } from '../proc-text.js';
import type { Scene } from '../scene.js';
import { type ConformanceTest, under } from '../test-type.js';

const table = under('config.md#linux-mount-options');

const MOUNTINFO = ['cat', '/proc/self/mountinfo'];
const mountOne = (one: Mount): Change => ({ 'mounts+': one });
const tmpfs = (...options: string[]): Change =>
  mountOne({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options });

async function lineOf(t: Scene, change: Change, path = '/tmp'): Promise<MountLine> {
  return mountAt(await t.output(MOUNTINFO, change), path);
}

/** What an option adds to the flags of a tmpfs, as mountinfo shows them; and what takes it away again. */
const FLAGS: [option: string, shown: string, inverse: string][] = [
  ['ro', 'ro', 'rw'],
  ['nosuid', 'nosuid', 'suid'],
  ['nodev', 'nodev', 'dev'],
  ['noexec', 'noexec', 'exec'],
  ['noatime', 'noatime', 'atime'],
  ['nodiratime', 'nodiratime', 'diratime'],
];
const has = (line: MountLine, flag: string) => line.options.includes(flag) || line.superOptions.includes(flag);

/** Options of the file system, which are shown there or leave no trace; the mount must succeed. */
const SUPER: [option: string, shown: string | undefined][] = [
  ['sync', 'sync'],
  ['async', undefined],
  ['dirsync', 'dirsync'],
  ['lazytime', 'lazytime'],
  ['nolazytime', undefined],
  ['iversion', undefined],
  ['noiversion', undefined],
  ['silent', undefined],
  ['loud', undefined],
  ['defaults', undefined],
];

/** Bind mount propagation, as mountinfo shows it. `shared` of a private source makes a new peer group. */
const PROPAGATION: [option: string, shown: RegExp | undefined][] = [
  ['private', undefined],
  ['rprivate', undefined],
  ['shared', /^shared:/],
  ['rshared', /^shared:/],
  ['slave', undefined],
  ['rslave', undefined],
  ['unbindable', /^unbindable$/],
  ['runbindable', /^unbindable$/],
];

/** Recursive options: what they put on or take off a mount below the source, which is mounted with `before`. */
const RECURSIVE: [option: string, before: string, flag: string, present: boolean][] = [
  ['rro', 'rw', 'ro', true],
  ['rrw', 'ro', 'ro', false],
  ['rnosuid', 'suid', 'nosuid', true],
  ['rsuid', 'nosuid', 'nosuid', false],
  ['rnodev', 'dev', 'nodev', true],
  ['rdev', 'nodev', 'nodev', false],
  ['rnoexec', 'exec', 'noexec', true],
  ['rexec', 'noexec', 'noexec', false],
  ['rnodiratime', 'diratime', 'nodiratime', true],
  ['rdiratime', 'nodiratime', 'nodiratime', false],
  ['rnoatime', 'relatime', 'noatime', true],
  ['rrelatime', 'noatime', 'relatime', true],
  ['rstrictatime', 'noatime', 'noatime', false],
  ['ratime', 'noatime', 'noatime', false],
  ['rnosymfollow', 'rw', 'nosymfollow', true],
  ['rsymfollow', 'nosymfollow', 'nosymfollow', false],
];

/** A folder of the host with a mount below it: `source/below`, a tmpfs with these options. */
async function mountedSource(t: Scene, options: string): Promise<string> {
  const source = join(t.dir, 'source');
  const below = join(source, 'below');
  mkdirSync(below, { recursive: true });
  expectSuccess('mount', await runCommand(['mount', '-t', 'tmpfs', '-o', 'rw', 'tmpfs', below], { env: t.place.env }));
  t.finally(() => runCommand(['umount', '--lazy', below], { env: t.place.env }));
  writeFileSync(join(below, 'file'), 'below\n');
  if (options !== 'rw') {
    expectSuccess('remount', await runCommand(['mount', '-o', `remount,bind,${options}`, below], { env: t.place.env }));
  }
  return source;
}

export const MOUNT_OPTION_TESTS: ConformanceTest[] = [
  ...FLAGS.flatMap(([option, shown, inverse]) => [
    table.must(`${option} is set on the mount`, async (t) =>
      hold(`a mount with ${option} shows ${shown}`, has(await lineOf(t, tmpfs(option)), shown)),
    ),
    table.must(`${inverse} takes ${option} off again`, async (t) => {
      const line = await lineOf(t, tmpfs(option, inverse));
      see('type', line.type, 'tmpfs');
      hold(`a mount with ${option}, ${inverse} does not show ${shown}`, !has(line, shown));
    }),
  ]),
  table.must('relatime is set on the mount', async (t) =>
    hold('it shows relatime', has(await lineOf(t, tmpfs('relatime')), 'relatime')),
  ),
  table.must('strictatime is set on the mount', async (t) => {
    const line = await lineOf(t, tmpfs('strictatime'));
    hold('it shows neither relatime nor noatime', !has(line, 'relatime') && !has(line, 'noatime'));
  }),
  table.must('norelatime and nostrictatime are recognized', async (t) => {
    see('type', (await lineOf(t, tmpfs('norelatime'))).type, 'tmpfs');
    see('type', (await lineOf(t, tmpfs('nostrictatime'))).type, 'tmpfs');
  }),
  table.should(
    'nosymfollow is set on the mount',
    async (t) => hold('it shows nosymfollow', has(await lineOf(t, tmpfs('nosymfollow')), 'nosymfollow')),
    { since: '1.1.0' },
  ),
  table.should(
    'symfollow takes nosymfollow off again',
    async (t) => {
      const line = await lineOf(t, tmpfs('nosymfollow', 'symfollow'));
      see('type', line.type, 'tmpfs');
      hold('it does not show nosymfollow', !has(line, 'nosymfollow'));
    },
    { since: '1.1.0' },
  ),
  ...SUPER.map(([option, shown]) =>
    table.must(
      `${option} is recognized`,
      async (t) => {
        const line = await lineOf(t, tmpfs(option, 'mode=701'));
        see('type', line.type, 'tmpfs');
        hold('the file system got its own option', line.superOptions.includes('mode=701'));
        if (shown !== undefined) hold(`it shows ${shown}`, has(line, shown));
      },
      ['lazytime', 'nolazytime'].includes(option) ? { since: '1.1.0' } : {},
    ),
  ),
  table.should('options that are unknown go to the file system', async (t) => {
    const { superOptions } = await lineOf(t, tmpfs('mode=1750', 'size=128k', 'nr_inodes=77'));
    const expected = ['mode=1750', 'size=128k', 'nr_inodes=77'];
    see(
      'options of the file system',
      expected.filter((option) => superOptions.includes(option)),
      expected,
    );
  }),
  table.should('an option that the file system does not know either is an error', (t) =>
    t.refuses(tmpfs('no-such-option=1'), { sound: tmpfs('mode=700') }),
  ),
  table.must('bind mounts without what is mounted below the source', async (t) => {
    const source = await mountedSource(t, 'rw');
    const lines = await t.lines(['ls', '/data/below'], mountOne({ destination: '/data', source, options: ['bind'] }));
    see('names', lines, ['']);
  }),
  table.must('rbind mounts with what is mounted below the source', async (t) => {
    const source = await mountedSource(t, 'rw');
    const change = mountOne({ destination: '/data', source, options: ['rbind'] });
    see('output', await t.output(['cat', '/data/below/file'], change), 'below\n');
  }),
  ...(['nosuid', 'nodev', 'noexec', 'noatime'] as const).map((option) =>
    table.must(`${option} is set on a bind mount`, async (t) => {
      const source = join(t.dir, 'source');
      mkdirSync(source);
      const line = await lineOf(t, mountOne({ destination: '/data', source, options: ['bind', option] }), '/data');
      hold(`it shows ${option}`, line.options.includes(option));
    }),
  ),
  table.must('ro makes a bind mount read-only, and not its source', async (t) => {
    const source = join(t.dir, 'source');
    mkdirSync(source);
    const text = await t.output(
      ['make', '/data/made'],
      mountOne({ destination: '/data', source, options: ['bind', 'ro'] }),
    );
    see('output', text, '/data/made: Read-only file system\n');
    writeFileSync(join(source, 'still'), '');
  }),
  table.must('ro of a recursive bind mount is not recursive', async (t) => {
    const source = await mountedSource(t, 'rw');
    const text = await t.output(
      ['each', 'make', '/data/made', '--', 'make', '/data/below/made'],
      mountOne({ destination: '/data', source, options: ['rbind', 'ro'] }),
    );
    see('output', text, '/data/made: Read-only file system\n/data/below/made: ok\n');
  }),
  table.must('noexec keeps programs from being run', async (t) => {
    const source = join(t.dir, 'source');
    mkdirSync(source);
    const change = mountOne({ destination: '/data', source: t.folderOfProbe(), options: ['bind', 'noexec'] });
    see('output', await t.output(['run', '/data/probe', 'hello'], change), 'run: Permission denied\n');
  }),
  table.must('remount changes the options of a mount', async (t) => {
    const line = await lineOf(t, {
      mounts: [
        { destination: '/proc', type: 'proc', source: 'proc' },
        { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['mode=700'] },
        { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['remount', 'ro', 'nosuid', 'mode=700'] },
      ],
    });
    hold('it shows ro and nosuid', has(line, 'ro') && has(line, 'nosuid'));
  }),
  ...PROPAGATION.map(([option, shown]) =>
    table.must(`${option} is the propagation of the mount`, async (t) => {
      const source = join(t.dir, 'source');
      mkdirSync(source);
      const change = mountOne({ destination: '/data', source, options: ['rbind', option] });
      const { propagation } = await lineOf(t, change, '/data');
      if (shown) match('propagation', propagation.join(' '), shown);
      else see('propagation', propagation, []);
    }),
  ),
  table.must('slave receives what is mounted below the source later', async (t) => {
    const { source, mountLater } = await sharedSource(t);
    const container = await t.running(
      ['sleep', '60'],
      mountOne({ destination: '/data', source, options: ['rbind', 'rslave'] }),
    );
    await mountLater();
    see('file of the later mount', await t.inside(container.pid, ['--mount'], 'cat', '/data/later/file'), 'later\n');
  }),
  table.must('private does not receive what is mounted below the source later', async (t) => {
    const { source, mountLater } = await sharedSource(t);
    const container = await t.running(
      ['sleep', '60'],
      mountOne({ destination: '/data', source, options: ['rbind', 'rprivate'] }),
    );
    await mountLater();
    see('names', await t.inside(container.pid, ['--mount'], 'ls', '/data'), 'later\n');
    see('names below', await t.inside(container.pid, ['--mount'], 'ls', '/data/later'), '');
  }),
  ...RECURSIVE.map(([option, before, flag, present]) =>
    table.should(
      `${option} is applied to what is mounted below the source`,
      async (t) => {
        const source = await mountedSource(t, before);
        const change = mountOne({ destination: '/data', source, options: ['rbind', option] });
        const line = await lineOf(t, change, '/data/below');
        if (line.options.includes(flag) !== present) fail(`/data/below has the options ${line.options.join(',')}`);
      },
      { since: '1.1.0' },
    ),
  ),
  table.may('tmpcopyup copies what is at the destination', async (t) => {
    const change = mountOne({ destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] });
    const text = await t.output(['each', 'cat', '/data/file', '--', 'cat', '/proc/self/mountinfo'], change);
    see('type', mountAt(text, '/data').type, 'tmpfs');
    match('file', text, /^of the rootfs\n/);
  }),
];

/** A folder of the host whose later mounts propagate, and a way to make one. */
async function sharedSource(t: Scene): Promise<{ source: string; mountLater(): Promise<void> }> {
  const source = join(t.dir, 'source');
  mkdirSync(source);
  const { env } = t.place;
  const mounted = await runCommand(['mount', '-t', 'tmpfs', 'tmpfs', source], { env });
  expectSuccess('mount', mounted);
  t.finally(() => runCommand(['umount', '--recursive', source], { env }));
  expectSuccess('mount', await runCommand(['mount', '--make-shared', source], { env }));
  const later = join(source, 'later');
  mkdirSync(later);
  return {
    source,
    async mountLater() {
      expectSuccess('mount', await runCommand(['mount', '-t', 'tmpfs', 'tmpfs', later], { env }));
      writeFileSync(join(later, 'file'), 'later\n');
    },
  };
}
