/** config.md: mounts. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hold, match, see } from '../assert.js';
import type { Change, Mount } from '../config.js';
import { mountAt, parseMountinfo } from '../proc-text.js';
import type { Scene } from '../scene.js';
import { under } from '../test-type.js';

const mounts = under('config.md#mounts');
const posix = under('config.md#posix-platform-mounts');

const MOUNTINFO = ['cat', '/proc/self/mountinfo'];
const mount = (destination: string, ...options: string[]): Mount => ({
  destination,
  type: 'tmpfs',
  source: 'tmpfs',
  options,
});
/** To what the sound configuration mounts. */
const add = (...more: Mount[]): Change => ({ 'mounts++': more });

/** A folder of the host with a file in it. */
function folder(t: Scene, name = 'source', text = 'of the source\n'): string {
  const path = join(t.dir, name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'file'), text);
  return path;
}

export const MOUNT_TESTS = [
  mounts.must('entries are mounted in the listed order', async (t) => {
    const text = await t.output(
      MOUNTINFO,
      add(mount('/tmp', 'mode=700'), mount('/tmp/deep', 'mode=711'), mount('/tmp', 'mode=755')),
    );
    const paths = parseMountinfo(text)
      .filter(({ path }) => path.startsWith('/tmp'))
      .map(({ path, superOptions }) => `${path} ${superOptions.find((option) => option.startsWith('mode='))}`);
    see('mounts', paths, ['/tmp mode=700', '/tmp/deep mode=711', '/tmp mode=755']);
  }),
  mounts.must('a later entry covers an earlier one', async (t) => {
    const source = folder(t);
    const bind = { destination: '/data', source, options: ['bind'] };
    see('output', await t.output(['cat', '/data/file'], add(mount('/data'), bind)), 'of the source\n');
  }),
  mounts.should('destination is an absolute path inside the container', async (t) =>
    see('type', mountAt(await t.output(MOUNTINFO, add(mount('/tmp'))), '/tmp').type, 'tmpfs'),
  ),
  mounts.must(
    'a relative destination is relative to /',
    async (t) => {
      const change = { ...add(mount('tmp')), 'process.cwd': '/data' };
      see('type', mountAt(await t.output(MOUNTINFO, change), '/tmp').type, 'tmpfs');
    },
    { since: '1.1.0' },
  ),
  mounts.must('destination is required', (t) => t.refuses({ 'mounts+': { type: 'tmpfs', source: 'tmpfs' } })),
  mounts.may('a destination that does not exist is made', async (t) =>
    see('type', mountAt(await t.output(MOUNTINFO, add(mount('/new/deep'))), '/new/deep').type, 'tmpfs'),
  ),
  mounts.must('a destination that is a symbolic link stays within the container', async (t) => {
    const container = t.container(['cat', '/proc/self/mountinfo'], add(mount('/link/below')));
    const outside = folder(t);
    mkdirSync(join(container.rootfs, outside), { recursive: true });
    symlinkSync(outside, join(container.rootfs, 'link'));
    await container.create();
    await container.start();
    const text = await container.finished();
    const tmpfs = parseMountinfo(text).filter(({ path }) => path.endsWith('/below'));
    see(
      'where it is mounted',
      tmpfs.map(({ path }) => path),
      [`${outside}/below`],
    );
  }),
  mounts.must('the source of a bind mount may be absolute', async (t) => {
    const change = add({ destination: '/data', source: folder(t), options: ['bind'] });
    see('output', await t.output(['cat', '/data/file'], change), 'of the source\n');
  }),
  mounts.must('the source of a bind mount may be relative to the bundle', async (t) => {
    const container = t.container(
      ['cat', '/data/file'],
      add({ destination: '/data', source: 'own', options: ['bind'] }),
    );
    mkdirSync(join(container.bundle, 'own'));
    writeFileSync(join(container.bundle, 'own/file'), 'of the bundle\n');
    await container.create();
    await container.start();
    see('output', await container.finished(), 'of the bundle\n');
  }),
  mounts.must('the source of a bind mount may be a file', async (t) => {
    const change = add({ destination: '/data/file', source: join(folder(t), 'file'), options: ['bind'] });
    see('output', await t.output(['cat', '/data/file'], change), 'of the source\n');
  }),
  mounts.must('a file is bound where nothing was', async (t) => {
    const change = add({ destination: '/etc/new/file', source: join(folder(t), 'file'), options: ['bind'] });
    see('output', await t.output(['cat', '/etc/new/file'], change), 'of the source\n');
  }),
  ...(['bind', 'rbind'] as const).map((option) =>
    mounts.must(`a mount with ${option} is a bind mount, whatever its type`, async (t) => {
      const change = add({ destination: '/data', type: 'tmpfs', source: folder(t), options: [option] });
      see('output', await t.output(['cat', '/data/file'], change), 'of the source\n');
    }),
  ),
  mounts.must('a source that does not exist is an error', (t) =>
    t.refuses(add({ destination: '/data', source: '/no/such/source', options: ['bind'] }), {
      sound: add({ destination: '/data', source: folder(t), options: ['bind'] }),
    }),
  ),
  mounts.must('changes of a bind mount are changes of its source', async (t) => {
    const source = folder(t);
    const container = await t.created(
      ['each', 'write', '/data/file', 'written', '--', 'cat', '/data/file'],
      add({ destination: '/data', source, options: ['bind'] }),
    );
    await container.start();
    match('output', await container.finished(), /ok\nwritten/);
    hold('the source has it', readFileSync(join(source, 'file'), 'utf8').startsWith('written'));
  }),

  posix.must('type is that of the file system', async (t) => {
    const text = await t.output(MOUNTINFO);
    const types = ['/proc', '/dev', '/dev/pts', '/dev/shm', '/sys'].map((path) => mountAt(text, path).type);
    see('types', types, ['proc', 'tmpfs', 'devpts', 'tmpfs', 'sysfs']);
  }),
  posix.must('type is optional for bind mounts', async (t) => {
    const change = add({ destination: '/data', type: 'none', source: folder(t), options: ['rbind'] });
    see('output', await t.output(['cat', '/data/file'], change), 'of the source\n');
  }),
  posix.must('a type that the kernel does not have is an error', (t) =>
    t.refuses(add({ destination: '/tmp', type: 'no-such-type', source: 'none' }), { sound: add(mount('/tmp')) }),
  ),
  ...(
    [
      ['mqueue', '/dev/mqueue'],
      ['tmpfs', '/tmp'],
      ['ramfs', '/tmp'],
    ] as const
  ).map(([type, destination]) =>
    posix.must(`the type ${type} is mounted`, async (t) =>
      see('type', mountAt(await t.output(MOUNTINFO, add({ destination, type, source: type })), destination).type, type),
    ),
  ),
  posix.must(
    'the type cgroup shows the cgroups of the container',
    async (t) => {
      const cgroup = { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro', 'nosuid'] };
      const text = await t.output(['each', 'cat', '/proc/self/cgroup', '--', 'cat', '/sys/fs/cgroup/pids/pids.max'], {
        ...add(cgroup),
        'linux.namespaces+': { type: 'cgroup' },
        'linux.resources': { pids: { limit: 47 } },
      });
      match('pids.max of the own cgroup', text, /\n47\n$/);
    },
    { needs: ['v1 pids'] },
  ),
  posix.must(
    'the type cgroup is read-only with ro',
    async (t) => {
      const cgroup = { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] };
      const text = await t.output(
        ['each', 'ls', '/sys/fs/cgroup/pids', '--', 'open', '/sys/fs/cgroup/pids/tasks', 'w'],
        {
          ...add(cgroup),
          'linux.namespaces+': { type: 'cgroup' },
        },
      );
      match('output', text, /cgroup\.procs\n[\s\S]*\/sys\/fs\/cgroup\/pids\/tasks: Read-only file system\n$/);
    },
    { needs: ['v1 pids'] },
  ),

  ...(
    [
      ['idmap', ['bind', 'idmap'], false],
      ['ridmap', ['rbind', 'ridmap'], true],
    ] as const
  ).map(([option, options]) =>
    under('config.md#linux-mount-options').should(
      `${option} shows the files with the ids of its mappings`,
      async (t) => {
        const mappings = [{ containerID: 0, hostID: 5000, size: 1000 }];
        const change = add({
          destination: '/data',
          source: folder(t),
          options: [...options],
          uidMappings: mappings,
          gidMappings: mappings,
        });
        // Owned by 0 on the host, by what 0 is mapped to in the mount: 5000.
        match('owner', await t.output(['stat', '/data/file'], change), / 5000:5000 /);
      },
      { since: '1.2.0' },
    ),
  ),
  under('config.md#linux-mount-options').must(
    'idmap without mappings and without a user namespace is an error',
    (t) => {
      const mappings = [{ containerID: 0, hostID: 5000, size: 1000 }];
      const bind = { destination: '/data', source: folder(t), options: ['bind', 'idmap'] };
      return t.refuses(add(bind), { sound: add({ ...bind, uidMappings: mappings, gidMappings: mappings }) });
    },
    { since: '1.2.0' },
  ),
  posix.must(
    'uidMappings without gidMappings are an error',
    (t) => {
      const mappings = [{ containerID: 0, hostID: 5000, size: 1000 }];
      const bind = { destination: '/data', source: folder(t), options: ['bind', 'idmap'] };
      return t.refuses(add({ ...bind, uidMappings: mappings }), {
        sound: add({ ...bind, uidMappings: mappings, gidMappings: mappings }),
      });
    },
    { since: '1.1.0' },
  ),
];
