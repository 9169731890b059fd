/** config-linux.md: propagation of the root, masked and read-only paths, labels, personality, resctrl, memory policy. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { match, see } from '../assert.js';
import { expectSuccess, runCommand } from '../command.js';
import { mountAt } from '../proc-text.js';
import type { Scene } from '../scene.js';
import { under } from '../test-type.js';

const propagation = under('config-linux.md#rootfs-mount-propagation');
const masked = under('config-linux.md#masked-paths');
const readonly = under('config-linux.md#readonly-paths');
const personality = under('config-linux.md#personality');
const resctrl = under('config-linux.md#intelrdt');
const policy = under('config-linux.md#memory-policy');

export const PATH_TESTS = [
  ...(
    [
      ['shared', /^shared:\d+$/],
      ['slave', /^(master:\d+)?$/],
      ['private', /^$/],
      ['unbindable', /^unbindable$/],
    ] as const
  ).map(([value, shown]) =>
    propagation.must(`${value} is the propagation of the root`, async (t) => {
      const text = await t.output(['cat', '/proc/self/mountinfo'], { 'linux.rootfsPropagation': value });
      match('propagation', mountAt(text, '/').propagation.join(' '), shown);
    }),
  ),
  propagation.must('slave shows what the host mounts in the root later', async (t) => {
    const { container, mountLater } = await onSharedRoot(t, 'slave');
    await mountLater();
    see('file', await t.inside(container.pid, ['--mount'], 'cat', '/out/file'), 'later\n');
  }),
  propagation.must('private does not show what the host mounts in the root later', async (t) => {
    const { container, mountLater } = await onSharedRoot(t, 'private');
    see('names', await t.inside(container.pid, ['--mount'], 'ls', '/data'), 'file\n');
    await mountLater();
    see('names', await t.inside(container.pid, ['--mount'], 'ls', '/out'), '');
  }),
  propagation.must('a value that does not exist is an error', (t) =>
    t.refuses({ 'linux.rootfsPropagation': 'nonsense' }, { sound: { 'linux.rootfsPropagation': 'private' } }),
  ),

  masked.must('a masked file cannot be read', async (t) => {
    const text = await t.output(['each', 'cat', '/data/file', '--', 'echo', 'after'], {
      'linux.maskedPaths': ['/data/file'],
    });
    match('output', text, /^(\/data\/file: .*\n)?after\n$/);
  }),
  masked.must('what is in a masked directory cannot be read', async (t) => {
    const text = await t.output(['each', 'ls', '/data', '--', 'cat', '/data/file', '--', 'echo', 'after'], {
      'linux.maskedPaths': ['/data'],
    });
    see('output', text, '/data/file: No such file or directory\nafter\n');
  }),
  masked.must('a masked file of /proc cannot be read', async (t) => {
    const text = await t.output(['each', 'cat', '/proc/version', '--', 'echo', 'after'], {
      'linux.maskedPaths': ['/proc/version'],
    });
    match('output', text, /^(\/proc\/version: .*\n)?after\n$/);
  }),
  masked.must('other paths can be read', async (t) =>
    see(
      'output',
      await t.output(['cat', '/data/file'], { 'linux.maskedPaths': ['/proc/kcore', '/proc/keys'] }),
      'of the rootfs\n',
    ),
  ),
  masked.must('a masked path that does not exist is no error', async (t) =>
    see('output', await t.output(['echo', 'runs'], { 'linux.maskedPaths': ['/no/such/path'] }), 'runs\n'),
  ),
  masked.must('a masked path is absolute', (t) =>
    t.refuses({ 'linux.maskedPaths': ['data/file'] }, { sound: { 'linux.maskedPaths': ['/data/file'] } }),
  ),

  readonly.must('a read-only directory cannot be written', async (t) =>
    see(
      'output',
      await t.output(['each', 'make', '/data/made', '--', 'cat', '/data/file'], { 'linux.readonlyPaths': ['/data'] }),
      '/data/made: Read-only file system\nof the rootfs\n',
    ),
  ),
  readonly.must('a read-only file cannot be written', async (t) =>
    see(
      'output',
      await t.output(['each', 'open', '/data/file', 'w', '--', 'make', '/data/other'], {
        'linux.readonlyPaths': ['/data/file'],
      }),
      '/data/file: Read-only file system\n/data/other: ok\n',
    ),
  ),
  readonly.must('/proc/sys can be read-only', async (t) =>
    see(
      'output',
      await t.output(['each', 'open', '/proc/sys/kernel/hostname', 'w', '--', 'open', '/proc/sys/kernel/hostname'], {
        'linux.readonlyPaths': ['/proc/sys'],
      }),
      '/proc/sys/kernel/hostname: Read-only file system\n/proc/sys/kernel/hostname: ok\n',
    ),
  ),
  readonly.must('other paths can be written', async (t) => {
    const container = await t.created(['make', '/out/made'], { 'linux.readonlyPaths': ['/data'] });
    await container.start();
    see('output', await container.finished(), '/out/made: ok\n');
  }),
  readonly.must('a read-only path that does not exist is no error', async (t) =>
    see('output', await t.output(['echo', 'runs'], { 'linux.readonlyPaths': ['/no/such/path'] }), 'runs\n'),
  ),
  readonly.must('what was writable for the host stays writable for it', async (t) => {
    const container = await t.running(['sleep', '60'], { 'linux.readonlyPaths': ['/data'] });
    writeFileSync(join(container.rootfs, 'data/new'), 'of the host\n');
    see('text', await t.inside(container.pid, ['--mount'], 'cat', '/data/new'), 'of the host\n');
  }),
  readonly.must('a read-only path is absolute', (t) =>
    t.refuses({ 'linux.readonlyPaths': ['data'] }, { sound: { 'linux.readonlyPaths': ['/data'] } }),
  ),

  under('config-linux.md#mount-label').must(
    'a mount label that cannot be applied is an error',
    (t) => t.refuses({ 'linux.mountLabel': 'system_u:object_r:svirt_sandbox_file_t:s0:c715,c811' }),
    { needs: ['no SELinux'] },
  ),

  personality.must(
    'LINUX32 shows a 32 bit machine',
    async (t) =>
      match('machine', await t.output(['machine'], { 'linux.personality': { domain: 'LINUX32' } }), /^i686\n$/),
    { needs: ['personality(2) for 32 bits'] },
  ),
  personality.must('LINUX shows the machine as it is', async (t) =>
    match('machine', await t.output(['machine'], { 'linux.personality': { domain: 'LINUX' } }), /^(x86_64|aarch64)\n$/),
  ),
  personality.must('a domain that does not exist is an error', (t) =>
    t.refuses(
      { 'linux.personality': { domain: 'NONSENSE' } },
      {
        sound: { 'linux.personality': { domain: 'LINUX' } },
        late: true,
      },
    ),
  ),
  personality.must('a flag is an error, as none is supported', (t) =>
    t.refuses(
      { 'linux.personality': { domain: 'LINUX', flags: ['ADDR_NO_RANDOMIZE'] } },
      {
        sound: { 'linux.personality': { domain: 'LINUX', flags: [] } },
        late: true,
      },
    ),
  ),

  resctrl.must(
    'intelRdt without a mounted resctrl is an error',
    (t) => t.refuses({ 'linux.intelRdt': { closID: 'conformance', l3CacheSchema: 'L3:0=f' } }),
    { needs: ['no resctrl'] },
  ),

  ...(
    [
      ['MPOL_DEFAULT', undefined, [], '0 0 0\n'],
      ['MPOL_BIND', '0', [], '2 0 1\n'],
      ['MPOL_PREFERRED', '0', [], '1 0 1\n'],
      ['MPOL_INTERLEAVE', '0', ['MPOL_F_STATIC_NODES'], '3 32768 1\n'],
      ['MPOL_LOCAL', undefined, [], '4 0 0\n'],
    ] as const
  ).map(([mode, nodes, flags, expected]) =>
    policy.must(
      `${mode} is the memory policy of the process`,
      async (t) =>
        see(
          'get_mempolicy',
          await t.output(['mempolicy'], {
            'linux.memoryPolicy': { mode, ...(nodes === undefined ? {} : { nodes }), flags: [...flags] },
          }),
          expected,
        ),
      { since: '1.3.0', needs: ['NUMA'] },
    ),
  ),
  policy.must(
    'a mode that does not exist is an error',
    (t) =>
      t.refuses(
        { 'linux.memoryPolicy': { mode: 'MPOL_NONSENSE' } },
        { sound: { 'linux.memoryPolicy': { mode: 'MPOL_DEFAULT' } }, late: true },
      ),
    { since: '1.3.0', needs: ['NUMA'] },
  ),
  policy.must(
    'nodes that the mode does not allow are an error',
    (t) =>
      t.refuses(
        { 'linux.memoryPolicy': { mode: 'MPOL_BIND' } },
        { sound: { 'linux.memoryPolicy': { mode: 'MPOL_BIND', nodes: '0' } }, late: true },
      ),
    { since: '1.3.0', needs: ['NUMA'] },
  ),
];

/** A running container whose root is a mount of the host that propagates, and a way to mount on its /out. */
async function onSharedRoot(t: Scene, rootfsPropagation: string) {
  const container = t.container(['sleep', '60'], { 'linux.rootfsPropagation': rootfsPropagation });
  const { env } = t.place;
  const mount = async (...words: string[]) => expectSuccess('mount', await runCommand(['mount', ...words], { env }));
  await mount('--bind', container.rootfs, container.rootfs);
  t.finally(() => runCommand(['umount', '--recursive', container.rootfs], { env }));
  await mount('--make-shared', container.rootfs);
  await container.create();
  await container.start();
  await container.says('ready\n');
  return {
    container,
    async mountLater() {
      const out = join(container.rootfs, 'out');
      await mount('-t', 'tmpfs', 'tmpfs', out);
      writeFileSync(join(out, 'file'), 'later\n');
    },
  };
}
