/** runtime.md: operations. */
import { existsSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { fail, hold, match, see } from '../assert.js';
import { makeCgroups } from '../cgroup-folders.js';
import type { Container } from '../container.js';
import type { Scene } from '../scene.js';
import { under } from '../test-type.js';

const query = under('runtime.md#query-state');
const create = under('runtime.md#create');
const start = under('runtime.md#start');
const kill = under('runtime.md#kill');
const remove = under('runtime.md#delete');

/** The operation must fail; with a container's id the same operation succeeds, which each test shows too. */
async function errs(container: Container, ...words: string[]): Promise<void> {
  const { code } = await container.run(...words);
  if (code === undefined) fail(`${words.join(' ')} did not end in time`);
  if (code === 0) fail(`${words.join(' ')} generated no error`);
}

async function isStill(container: Container, status: string): Promise<void> {
  see('status afterwards', (await container.state()).status, status);
}

async function stopped(t: Scene): Promise<Container> {
  const container = await t.created();
  await container.start();
  await container.stopped();
  await isStill(container, 'stopped');
  return container;
}

const NO_SUCH = 'no-such-container';

export const OPERATION_TESTS = [
  query.must('state without an id is an error', async (t) => {
    const container = await t.created();
    await isStill(container, 'created');
    await errs(container, 'state');
  }),
  query.must('state of a container that does not exist is an error', async (t) => {
    const container = await t.created();
    await isStill(container, 'created');
    await errs(container, 'state', NO_SUCH);
  }),
  query.must('state of a deleted container is an error', async (t) => {
    const container = await stopped(t);
    await container.delete();
    await errs(container, 'state', container.id);
  }),

  create.must('create without an id is an error', async (t) => {
    const container = await t.created();
    await isStill(container, 'created');
    await errs(container, 'create', '--bundle', t.container().bundle);
  }),
  create.must('create with a bundle that does not exist is an error', async (t) => {
    const container = await t.created();
    await isStill(container, 'created');
    await errs(container, 'create', '--bundle', join(t.dir, 'no-such-bundle'), `${container.id}-other`);
    await errs(container, 'state', `${container.id}-other`);
  }),
  create.must('an id that is taken by a created container is an error', async (t) => {
    const container = await t.created(['echo', 'first']);
    await errs(container, 'create', '--bundle', t.container().bundle, container.id);
    await isStill(container, 'created');
    await container.start();
    see('output of the first', await container.finished(), 'first\n');
  }),
  create.must('an id that is taken by a running container is an error', async (t) => {
    const container = await t.running();
    await errs(container, 'create', '--bundle', t.container().bundle, container.id);
    await isStill(container, 'running');
  }),
  create.must('an id that is taken by a stopped container is an error', async (t) => {
    const container = await stopped(t);
    await errs(container, 'create', '--bundle', t.container().bundle, container.id);
    await isStill(container, 'stopped');
  }),
  ...(
    [
      ['empty', ''],
      ['with a slash', 'of/two'],
      ['that leaves the directory', '..'],
    ] as const
  ).map(([what, id]) =>
    create.mustNot(`an invalid id, ${what}, creates no container`, async (t) => {
      const container = await t.created();
      await isStill(container, 'created');
      await errs(container, 'create', '--bundle', t.container().bundle, id);
      await errs(container, 'state', id);
    }),
  ),
  create.must('create makes a new container each time', async (t) => {
    const [one, two] = [await t.created(['echo', 'one']), await t.created(['echo', 'two'])];
    await two.start();
    await one.start();
    see('outputs', [await one.finished(), await two.finished()], ['one\n', 'two\n']);
  }),
  create.must('what cannot be applied is an error, and there is no new container', (t) =>
    t.refuses({ 'linux.sysctl': { 'kernel.no_such_parameter': '1' } }),
  ),
  create.must('properties other than process are applied by create', async (t) => {
    const container = await t.created(['cat', '/proc/sys/kernel/hostname'], { hostname: 'by-create' });
    // The UTS namespace is asked through the created process, before start.
    see('host name before start', await t.inside(container.pid, ['--uts'], 'hostname'), 'by-create\n');
  }),

  start.must('start without an id is an error', async (t) => {
    const container = await t.created();
    await errs(container, 'start');
    await isStill(container, 'created');
  }),
  start.must('start of a container that does not exist is an error', async (t) => {
    const container = await t.created();
    await errs(container, 'start', NO_SUCH);
    await isStill(container, 'created');
  }),
  start.must('start of a running container is an error and has no effect', async (t) => {
    const container = await t.running(['signals']);
    await errs(container, 'start', container.id);
    await isStill(container, 'running');
    await container.kill('TERM');
    see('output', await container.finished(), 'ready\nend\n');
  }),
  start.must('start of a stopped container is an error and has no effect', async (t) => {
    const container = await t.created(['echo', 'once']);
    await container.start();
    await container.stopped();
    await errs(container, 'start', container.id);
    await isStill(container, 'stopped');
    see('output', container.output, 'once\n');
  }),
  start.must('start runs the program with its arguments', async (t) =>
    see('output', await t.output(['echo', 'a', 'b c', '']), 'a b c \n'),
  ),
  start.must('status is running after start', async (t) => {
    const container = await t.created(['sleep', '60']);
    await container.start();
    await isStill(container, 'running');
  }),
  start.must('start is an error when process was not set', async (t) => {
    await isStill(await t.created(), 'created');
    await t.refusedAsIs(t.container([], { process: undefined }), true);
  }),

  kill.must('kill without an id is an error', async (t) => {
    const container = await t.running();
    await errs(container, 'kill');
    await isStill(container, 'running');
  }),
  kill.must('kill of a container that does not exist is an error', async (t) => {
    const container = await t.running();
    await errs(container, 'kill', NO_SUCH, 'KILL');
    await isStill(container, 'running');
  }),
  kill.must('kill of a stopped container is an error and has no effect', async (t) => {
    const container = await stopped(t);
    await errs(container, 'kill', container.id, 'KILL');
    await isStill(container, 'stopped');
  }),
  kill.must('kill reaches a created container', async (t) => {
    const container = await t.created();
    await container.kill('KILL');
    await container.stopped();
    await isStill(container, 'stopped');
  }),
  ...(
    [
      ['SIGUSR1', 10],
      ['HUP', 1],
      ['12', 12],
      ['SIGINT', 2],
    ] as const
  ).map(([given, number]) =>
    kill.must(`the signal ${given} is the one that the process gets`, async (t) => {
      const container = await t.running(['signals']);
      await container.kill(given);
      await container.says(`signal ${number}\n`);
      await isStill(container, 'running');
      await container.kill('TERM');
      see('output', await container.finished(), `ready\nsignal ${number}\nend\n`);
    }),
  ),
  kill.must('KILL ends a process that blocks every signal', async (t) => {
    const container = await t.running(['signals']);
    await container.kill('SIGKILL');
    see('output', await container.finished(), 'ready\n');
  }),

  remove.must('delete without an id is an error', async (t) => {
    const container = await stopped(t);
    await errs(container, 'delete');
    await isStill(container, 'stopped');
  }),
  remove.must('delete of a container that does not exist is an error', async (t) => {
    const container = await stopped(t);
    await errs(container, 'delete', NO_SUCH);
    await isStill(container, 'stopped');
  }),
  remove.must('delete of a running container is an error and has no effect', async (t) => {
    const container = await t.running(['signals']);
    await errs(container, 'delete', container.id);
    await isStill(container, 'running');
    await container.kill('TERM');
    see('output', await container.finished(), 'ready\nend\n');
  }),
  remove.must('delete of a created container is an error and has no effect', async (t) => {
    const container = await t.created(['echo', 'it lives']);
    await errs(container, 'delete', container.id);
    await isStill(container, 'created');
    await container.start();
    see('output', await container.finished(), 'it lives\n');
  }),
  remove.must('delete deletes the cgroups that create made', async (t) => {
    const container = await stopped(t);
    hold('they are there before', container.cgroups().length > 0);
    await container.delete();
    see('what is left', container.cgroups(), []);
  }),
  remove.mustNot('delete does not delete the bundle', async (t) => {
    const container = await stopped(t);
    await container.delete();
    for (const name of ['config.json', 'rootfs/data/file', 'rootfs/probe']) {
      hold(`${name} is there`, existsSync(join(container.bundle, name)));
    }
  }),
  remove.mustNot(
    'delete does not delete a cgroup that was there before',
    async (t) => {
      const container = t.container();
      const folders = makeCgroups(container.config.linux.cgroupsPath ?? '');
      t.finally(() => folders.forEach((folder) => void (existsSync(folder) && rmdirSync(folder))));
      await container.create();
      await container.start();
      await container.stopped();
      await container.delete();
      see(
        'cgroups that are gone',
        folders.filter((folder) => !existsSync(folder)),
        [],
      );
    },
    { needs: ['v1 memory'] },
  ),
  remove.may('the id of a deleted container may be used again', async (t) => {
    const container = await stopped(t);
    await container.delete();
    await container.create();
    match('status', (await container.state()).status, /^created$/);
  }),
];
