/** config.md: hooks, and what runtime.md says of them. */
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fail, hold, match, see } from '../assert.js';
import type { Container, State } from '../container.js';
import type { Scene } from '../scene.js';
import { under } from '../test-type.js';
import { adheres } from './runtime-state.js';

const hooks = under('config.md#posix-platform-hooks');
const lifecycle = under('runtime.md#lifecycle');

const NAMES = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const;
type Name = (typeof NAMES)[number];

interface Facts {
  heading: string;
  /** The operation that calls it. */
  during: 'create' | 'start' | 'delete';
  /** Whose namespaces it is executed in. */
  namespaces: 'runtime' | 'container';
  /** Status in the state that it reads. */
  status: State['status'];
}

const FACTS: Record<Name, Facts> = {
  prestart: { heading: 'prestart', during: 'create', namespaces: 'runtime', status: 'creating' },
  createRuntime: { heading: 'createruntime-hooks', during: 'create', namespaces: 'runtime', status: 'creating' },
  createContainer: { heading: 'createcontainer-hooks', during: 'create', namespaces: 'container', status: 'creating' },
  startContainer: { heading: 'startcontainer-hooks', during: 'start', namespaces: 'container', status: 'created' },
  poststart: { heading: 'poststart', during: 'start', namespaces: 'runtime', status: 'running' },
  poststop: { heading: 'poststop', during: 'delete', namespaces: 'runtime', status: 'stopped' },
};

/** What the verb `record` of the test program writes. */
interface Record_ {
  at: number;
  pid: number;
  argv: string[];
  env: string[];
  cwd: string;
  ns: Record<string, string>;
  seen: boolean;
  stdin: string;
}

/** A hook that records itself; `startContainer` does it within the container's root. */
function recorder(t: Scene, name: Name, word: string = name, look = '/'): object {
  const inside = name === 'startContainer';
  const [program, file] = inside ? ['/probe', '/out/records'] : [t.probe, join(t.dir, 'records')];
  return { path: program, args: ['recorder', 'record', file, word, look] };
}

function records(t: Scene, container: Container): Record_[] {
  const files = [join(t.dir, 'records'), join(container.rootfs, 'out/records')];
  return files
    .flatMap((file) => (existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []))
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record_)
    .sort((a, b) => a.at - b.at);
}

const words = (found: Record_[]) => found.map(({ argv }) => argv[3]);

/** Goes through a whole life; what each operation has added to the records. */
async function live(t: Scene, change: Record<string, unknown>, args = ['true']) {
  const container = t.container(args, change);
  const seen: Record<string, Record_[]> = {};
  let before = 0;
  const after = (operation: string) => {
    const now = records(t, container);
    seen[operation] = now.slice(before);
    before = now.length;
  };
  await container.create();
  const { pid } = container;
  const namespaces = namespacesOf(pid);
  after('create');
  await container.start();
  after('start');
  await container.stopped();
  await container.delete();
  after('delete');
  return { container, seen, pid, namespaces, all: records(t, container) };
}

function namespacesOf(pid: number | 'self'): Record<string, string> {
  const kinds = ['mnt', 'pid', 'net', 'ipc', 'uts', 'user', 'cgroup', 'time'];
  return Object.fromEntries(kinds.map((kind) => [kind, readlinkSync(`/proc/${pid}/ns/${kind}`)]));
}

/** Hooks read their input to its end, like those that people write: whoever writes to them shall not get a SIGPIPE. */
const hook = (path: string, ...verb: string[]) => ({
  path,
  args: ['probe', 'each', 'record', '/dev/null', 'unread', '--', ...verb],
});
const failing = (path: string) => hook(path, 'exit', '7');
const passing = (path: string) => hook(path, 'true');
const SLOW = hook('/probe', 'sleep', '1');

export const HOOK_TESTS = [
  ...NAMES.flatMap((name) => {
    const { heading, during, namespaces, status } = FACTS[name];
    const at = under(`config.md#${heading}`);
    return [
      at.must(`${name} hooks are called as part of ${during}`, async (t) => {
        // The slow one shows whether the operation waits for them.
        const hooksOfIt = name === 'startContainer' ? [SLOW, recorder(t, name)] : [recorder(t, name)];
        const { seen } = await live(t, { [`hooks.${name}`]: hooksOfIt });
        const counts = Object.fromEntries(Object.entries(seen).map(([operation, found]) => [operation, found.length]));
        see('calls', counts, { create: 0, start: 0, delete: 0, [during]: 1 });
      }),
      at.must(`${name} hooks read the state, which adheres to the schema, from standard input`, async (t) => {
        const { all, container } = await live(t, {
          [`hooks.${name}`]: [recorder(t, name)],
          annotations: { 'com.example.hook': name },
        });
        const state = JSON.parse(all[0]?.stdin ?? '') as State;
        adheres(state);
        see('id and bundle', [state.id, state.bundle], [container.id, container.bundle]);
        see('annotations', state.annotations, { 'com.example.hook': name });
      }),
      at.must(`the state that ${name} hooks read has the status ${status}`, async (t) => {
        const { all } = await live(t, { [`hooks.${name}`]: [recorder(t, name)] });
        see('status', (JSON.parse(all[0]?.stdin ?? '') as State).status, status);
      }),
      at.must(`${name} hooks are executed in the ${namespaces} namespace`, async (t) => {
        const made = await live(t, { [`hooks.${name}`]: [recorder(t, name)] }, ['true']);
        const expected = namespaces === 'container' ? made.namespaces : namespacesOf('self');
        const kinds = namespaces === 'container' ? ['mnt', 'ipc', 'uts'] : ['pid', 'ipc', 'uts', 'net', 'user'];
        for (const kind of kinds) see(`its ${kind} namespace`, made.all[0]?.ns[kind], expected[kind]);
      }),
      at.must(`the path of ${name} hooks is absolute`, (t) =>
        t.refuses(
          { [`hooks.${name}`]: [{ ...recorder(t, name), path: 'probe' }] },
          { sound: { [`hooks.${name}`]: [recorder(t, name)] }, late: during === 'start' && name !== 'poststart' },
        ),
      ),
    ];
  }),

  hooks.must('hooks are called in the listed order', async (t) => {
    const change = Object.fromEntries(
      NAMES.map((name) => [`hooks.${name}`, ['1', '2', '3'].map((word) => recorder(t, name, name + word))]),
    );
    const { all } = await live(t, change);
    for (const name of NAMES) {
      const found = words(all).filter((word) => word?.startsWith(name));
      see(
        'calls',
        found,
        ['1', '2', '3'].map((word) => name + word),
      );
    }
  }),
  under('config.md#prestart').must('prestart hooks are called before createRuntime hooks', async (t) => {
    const { all } = await live(t, {
      'hooks.createRuntime': [recorder(t, 'createRuntime')],
      'hooks.prestart': [recorder(t, 'prestart')],
    });
    see('calls', words(all), ['prestart', 'createRuntime']);
  }),
  under('config.md#createcontainer-hooks').must(
    'createContainer hooks are called after createRuntime hooks',
    async (t) => {
      const { all } = await live(t, {
        'hooks.createContainer': [recorder(t, 'createContainer')],
        'hooks.createRuntime': [recorder(t, 'createRuntime')],
      });
      see('calls', words(all), ['createRuntime', 'createContainer']);
    },
  ),
  under('config.md#startcontainer-hooks').must('startContainer hooks are called before the program', async (t) => {
    const { all } = await live(t, { 'hooks.startContainer': [recorder(t, 'startContainer')] }, [
      'record',
      '/out/records',
      'program',
    ]);
    see('calls', words(all), ['startContainer', 'program']);
  }),
  under('config.md#poststart').must('poststart hooks are called after the program was executed', async (t) => {
    const container = t.container(['sleep', '60'], {
      'hooks.poststart': [recorder(t, 'poststart', 'poststart', '/probe')],
    });
    await container.create();
    await container.start();
    const [found] = records(t, container);
    hold('the hook ran before start returned', found !== undefined);
    hold('the process was within its root then', found?.seen === true);
  }),
  under('config.md#poststart').must('poststart hooks are called after the startContainer hooks', async (t) => {
    const { all } = await live(t, {
      'hooks.startContainer': [SLOW, recorder(t, 'startContainer')],
      'hooks.poststart': [recorder(t, 'poststart')],
    });
    see('calls', words(all), ['startContainer', 'poststart']);
  }),
  ...(['prestart', 'createRuntime'] as const).map((name) =>
    under(`config.md#${FACTS[name].heading}`).must(
      `${name} hooks are called after the namespaces were made and before the root is changed`,
      async (t) => {
        const { all, pid, namespaces } = await live(t, { [`hooks.${name}`]: [recorder(t, name, name, t.dir)] });
        const state = JSON.parse(all[0]?.stdin ?? '') as State;
        see('pid', state.pid, pid);
        hold('the process has namespaces of its own', namespaces.uts !== namespacesOf('self').uts);
        see('is the root of the host seen from the process', all[0]?.seen, true);
      },
    ),
  ),
  under('config.md#createcontainer-hooks').must(
    'createContainer hooks are called before the root is changed, their path resolves in the runtime namespace',
    async (t) => {
      // The host's path of the test program and of the records is there, although the mount namespace is the container's.
      const { all, namespaces } = await live(t, { 'hooks.createContainer': [recorder(t, 'createContainer')] });
      see('its mount namespace', all[0]?.ns.mnt, namespaces.mnt);
    },
  ),
  under('config.md#startcontainer-hooks').must(
    'the path of startContainer hooks resolves in the container namespace',
    (t) =>
      t.refuses(
        { 'hooks.startContainer': [passing(t.probe)] },
        { sound: { 'hooks.startContainer': [passing('/probe')] }, late: true },
      ),
  ),
  ...(['createContainer', 'startContainer'] as const).map((name) =>
    hooks.must(`the pid that ${name} hooks read is as the container sees it`, async (t) => {
      const { all } = await live(t, { [`hooks.${name}`]: [recorder(t, name)] });
      see('pid', (JSON.parse(all[0]?.stdin ?? '') as State).pid, 1);
    }),
  ),
  ...(['prestart', 'createRuntime', 'poststart'] as const).map((name) =>
    hooks.must(`the pid that ${name} hooks read is as the runtime sees it`, async (t) => {
      const { all, pid } = await live(t, { [`hooks.${name}`]: [recorder(t, name)] });
      see('pid', (JSON.parse(all[0]?.stdin ?? '') as State).pid, pid);
    }),
  ),
  hooks.must('hooks get their arguments, the first as the name', async (t) => {
    const args = ['any name', 'record', join(t.dir, 'records'), 'word', '/', 'a b', ''];
    const { all } = await live(t, { 'hooks.createRuntime': [{ path: t.probe, args }] });
    see('arguments', all[0]?.argv, args);
  }),
  hooks.must('hooks get the environment that is listed, and no other', async (t) => {
    const env = ['KEY=value', 'EMPTY=', 'WITH=an=equals sign'];
    const { all } = await live(t, { 'hooks.createRuntime': [{ ...recorder(t, 'createRuntime'), env }] });
    see('environment', all[0]?.env, env);
  }),
  hooks.must('a hook without args is called by its path', async (t) => {
    // Without a verb the test program says hello and succeeds.
    const { seen } = await live(t, { 'hooks.createRuntime': [{ path: t.probe }, recorder(t, 'createRuntime')] });
    see('calls of the one after it', seen.create?.length, 1);
  }),
  hooks.must('timeout aborts a hook, in which it fails', async (t) => {
    const slow = { ...hook(t.probe, 'sleep', '30'), timeout: 1 };
    const quick = { ...passing(t.probe), timeout: 30 };
    const from = Date.now();
    await t.refuses({ 'hooks.createRuntime': [slow] }, { sound: { 'hooks.createRuntime': [quick] } });
    hold('it took less than 15 seconds', Date.now() - from < 15_000);
  }),
  hooks.must('a timeout that is not greater than zero is an error', (t) =>
    t.refuses(
      { 'hooks.createRuntime': [{ ...passing(t.probe), timeout: 0 }] },
      { sound: { 'hooks.createRuntime': [{ ...passing(t.probe), timeout: 10 }] } },
    ),
  ),

  ...(['prestart', 'createRuntime', 'createContainer'] as const).map((name) =>
    lifecycle.must(`a ${name} hook that fails is an error, and the container is destroyed`, (t) =>
      t.refuses({ [`hooks.${name}`]: [failing(t.probe)] }, { sound: { [`hooks.${name}`]: [passing(t.probe)] } }),
    ),
  ),
  lifecycle.must('after a createRuntime hook that fails, no further one is called', async (t) => {
    const sound = await live(t, { 'hooks.createRuntime': [recorder(t, 'createRuntime', 'sound')] });
    see('calls of the sound twin', words(sound.all), ['sound']);
    const container = t.container(['true'], {
      'hooks.createRuntime': [failing(t.probe), recorder(t, 'createRuntime', 'after')],
    });
    await t.refusedAsIs(container);
    see('calls', words(records(t, container)), ['sound']);
  }),
  lifecycle.must('after a createRuntime hook that fails, the poststop hooks are called', async (t) => {
    const container = t.container(['true'], {
      'hooks.createRuntime': [failing(t.probe)],
      'hooks.poststop': [recorder(t, 'poststop')],
    });
    await t.refusedAsIs(container);
    see('calls', words(records(t, container)), ['poststop']);
  }),
  lifecycle.must('a startContainer hook that fails is an error, and the program does not run', (t) =>
    t.refuses(
      { 'hooks.startContainer': [failing('/probe')] },
      { sound: { 'hooks.startContainer': [passing('/probe')] }, late: true },
    ),
  ),
  lifecycle.must('after a startContainer hook that fails, the container is stopped', async (t) => {
    const container = await t.created(['echo', 'it ran'], {
      'hooks.startContainer': [failing('/probe')],
    });
    if ((await container.run('start', container.id)).code === 0) fail('start generated no error');
    await container.stopped();
    const ran = await container.run('state', container.id);
    if (ran.code === 0) see('status', (JSON.parse(ran.stdout) as State).status, 'stopped');
  }),
  lifecycle.must(
    'a poststart hook that fails is an error, and the container is stopped',
    async (t) => {
      const container = await t.created(['sleep', '60'], { 'hooks.poststart': [failing(t.probe)] });
      if ((await container.run('start', container.id)).code === 0) fail('start generated no error');
      await container.stopped();
    },
    { since: '1.3.0' },
  ),
  lifecycle.must('a poststop hook that fails is no error, and the others are called', async (t) => {
    const { all } = await live(t, { 'hooks.poststop': [failing(t.probe), recorder(t, 'poststop', 'after')] });
    see('calls', words(all), ['after']);
  }),
  under('config.md#poststop').must('poststop hooks are called after the container was deleted', async (t) => {
    const container = await t.created(['true'], { 'hooks.poststop': [recorder(t, 'poststop')] });
    const [cgroup = ''] = container.cgroups();
    hold('there is a cgroup before', cgroup !== '');
    container.writeConfig({});
    await container.start();
    await container.stopped();
    await container.delete();
    match('the state that it read', records(t, container)[0]?.stdin ?? '', /"status": *"stopped"/);
    see('cgroups that are left', container.cgroups(), []);
  }),
];
