/** config.md: specification version, root, host name, domain name, annotations, extensibility, valid values. */
import { cpSync, existsSync, readFileSync, renameSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { hold, match, see } from '../assert.js';
import { under } from '../test-type.js';

const version = under('config.md#specification-version');
const root = under('config.md#root');
const annotations = under('config.md#annotations');
const extensibility = under('config.md#extensibility');
const valid = under('config.md#valid-values');
const json = under('glossary.md#json');

export const ROOT_TESTS = [
  ...(['1.0.0', '1.0.1', '1.0.2'] as const).map((one) =>
    version.must(`a configuration of version ${one} is compatible`, async (t) =>
      see('output', await t.output(['echo', 'compatible'], { ociVersion: one }), 'compatible\n'),
    ),
  ),
  version.must(
    'a configuration of version 1.1.0 is compatible',
    async (t) => see('output', await t.output(['echo', 'compatible'], { ociVersion: '1.1.0' }), 'compatible\n'),
    { since: '1.1.0' },
  ),
  version.must(
    'a configuration of version 1.2.1 is compatible',
    async (t) => see('output', await t.output(['echo', 'compatible'], { ociVersion: '1.2.1' }), 'compatible\n'),
    { since: '1.2.0' },
  ),
  version.must('a version that is not in SemVer form is an error', (t) => t.refuses({ ociVersion: 'first' })),
  version.must('ociVersion is required', (t) => t.refuses({ ociVersion: undefined })),

  root.must('path may be relative to the bundle', async (t) =>
    see('output', await t.output(['cat', '/data/file'], { 'root.path': 'rootfs' }), 'of the rootfs\n'),
  ),
  root.must('path may be absolute', async (t) => {
    const container = t.container(['cat', '/data/file']);
    const elsewhere = join(t.dir, 'elsewhere');
    renameSync(container.rootfs, elsewhere);
    container.writeConfig({ ...container.config, root: { path: elsewhere } });
    await container.create();
    await container.start();
    see('output', await container.finished(), 'of the rootfs\n');
  }),
  root.must('path may be another than rootfs', async (t) => {
    const container = t.container(['cat', '/data/file'], { 'root.path': 'a/b c' });
    cpSync(container.rootfs, join(container.bundle, 'a/b c'), { recursive: true });
    await container.create();
    await container.start();
    see('output', await container.finished(), 'of the rootfs\n');
  }),
  root.must('a path without a directory is an error', (t) => t.refuses({ 'root.path': 'no-such-directory' })),
  root.must('a path of a file is an error', (t) => t.refuses({ 'root.path': 'config.json' })),
  root.must('root is required', (t) => t.refuses({ root: undefined })),
  root.must('path is required', (t) => t.refuses({ 'root.path': undefined })),
  root.must('readonly makes the root file system read-only', async (t) =>
    see(
      'output',
      await t.output(['each', 'make', '/out/made', '--', 'cat', '/data/file'], { 'root.readonly': true }),
      '/out/made: Read-only file system\nof the rootfs\n',
    ),
  ),
  root.must('without readonly the root file system can be written', async (t) => {
    const container = await t.created(['make', '/out/made']);
    await container.start();
    see('output', await container.finished(), '/out/made: ok\n');
    hold('the file is in the bundle', existsSync(join(container.rootfs, 'out/made')));
  }),
  root.must('the root of the process is the root file system', async (t) => {
    const lines = await t.lines(['ls', '/']);
    see(
      'some entries',
      ['data', 'probe', 'proc'].filter((name) => lines.includes(name)),
      ['data', 'probe', 'proc'],
    );
    hold('/usr of the host is not there', !lines.includes('usr'));
  }),

  under('config.md#hostname').must('hostname is what processes of the container see', async (t) =>
    see('output', await t.output(['hostname'], { hostname: 'conformance-1' }), 'conformance-1\n'),
  ),
  under('config.md#hostname').mustNot('the host name of the runtime changes', async (t) => {
    const before = hostname();
    await t.running(['sleep', '60'], { hostname: 'conformance-2' });
    see('host name of the host', hostname(), before);
  }),
  under('config.md#domainname').must(
    'domainname is what processes of the container see',
    async (t) =>
      see(
        'output',
        await t.output(['cat', '/proc/sys/kernel/domainname'], { domainname: 'conformance.test' }),
        'conformance.test\n',
      ),
    { since: '1.1.0' },
  ),

  annotations.must('values are strings', (t) =>
    t.refuses({ annotations: { 'com.example': 1 } }, { sound: { annotations: { 'com.example': '1' } } }),
  ),
  annotations.must('annotations are a map', (t) => t.refuses({ annotations: ['com.example=1'] })),
  annotations.must('a key is not empty', (t) =>
    t.refuses({ annotations: { '': 'value' } }, { sound: { annotations: { key: '' } } }),
  ),
  annotations.must('an unknown key of the reserved namespace is ignored', async (t) =>
    see(
      'output',
      await t.output(['echo', 'ignored'], { annotations: { 'org.opencontainers.unknown': 'value' } }),
      'ignored\n',
    ),
  ),

  ...(
    [
      ['at the top', { noSuchProperty: { a: [1] } }],
      ['of process', { 'process.noSuchProperty': 'value' }],
      ['of a user', { 'process.user.noSuchProperty': 'value' }],
      ['of root', { 'root.noSuchProperty': 7 }],
      ['of linux', { 'linux.noSuchProperty': ['value'] }],
      ['of resources', { 'linux.resources': { noSuchProperty: { limit: 1 } } }],
      ['of a mount', { 'mounts+': { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', noSuchProperty: true } }],
      ['of hooks', { hooks: { noSuchHook: [{ path: '/no/such/hook' }] } }],
      ['of another platform', { windows: { layerFolders: ['C:\\layer'] }, solaris: { milestone: 'none' } }],
    ] as const
  ).map(([where, change]) =>
    extensibility.must(`an unknown property ${where} is ignored`, async (t) =>
      see('output', await t.output(['echo', 'ignored'], change), 'ignored\n'),
    ),
  ),

  ...(
    [
      ['a cwd that is a number', { 'process.cwd': 7 }],
      ['args that are one string', { 'process.args': '/probe true' }],
      ['an env that is a map', { 'process.env': { PATH: '/' } }],
      ['a readonly that is a string', { 'root.readonly': 'true' }],
      ['mounts that are a map', { mounts: { '/proc': 'proc' } }],
      ['a mount without a destination', { 'mounts+': { type: 'tmpfs', source: 'tmpfs' } }],
      ['a terminal that is a number', { 'process.terminal': 1 }],
      ['a limit that is a string', { 'linux.resources': { memory: { limit: '100M' } } }],
      ['a limit that is a fraction', { 'linux.resources': { pids: { limit: 1.5 } } }],
    ] as const
  ).map(([what, change]) => valid.must(`${what} is an error`, (t) => t.refuses(change, { late: true }))),

  json.must('what is no JSON is an error', async (t) => {
    const sound = t.container();
    await sound.create();
    see('status of the sound twin', (await sound.state()).status, 'created');
    const faulty = t.container();
    faulty.writeConfigText(`${JSON.stringify(faulty.config)} }`);
    await t.refusedAsIs(faulty);
  }),
  json.must('an empty config.json is an error', async (t) => {
    const sound = await t.created();
    match('its config.json', readFileSync(join(sound.bundle, 'config.json'), 'utf8'), /^\{/);
    const faulty = t.container();
    faulty.writeConfigText('');
    await t.refusedAsIs(faulty);
  }),
  json.must('the order of entries is not significant', async (t) => {
    const container = t.container(['echo', 'any order']);
    container.writeConfigText(JSON.stringify(Object.fromEntries(Object.entries(container.config).reverse())));
    await container.create();
    await container.start();
    see('output', await container.finished(), 'any order\n');
  }),
];
