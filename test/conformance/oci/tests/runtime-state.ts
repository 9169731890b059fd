/** runtime.md: the scope of a container, and its state. */
import { readlinkSync } from 'node:fs';
import { basename, dirname, isAbsolute } from 'node:path';
import * as v from 'valibot';
import { hold, match, see } from '../assert.js';
import type { State } from '../container.js';
import { SEMVER, STATE } from '../documents.js';
import { under } from '../test-type.js';

const scope = under('runtime.md#scope-of-a-container');
const state = under('runtime.md#state');

/** Ways in which a program ends without anybody's doing. */
const ENDS: [how: string, args: string[]][] = [
  ['by itself', ['true']],
  ['with a failure', ['exit', '3']],
  ['by a crash', ['crash']],
];

export const STATE_TESTS = [
  scope.must('who creates a container can use every operation on it', async (t) => {
    const container = await t.running(['signals']);
    see('status', (await container.state()).status, 'running');
    await container.kill('SIGTERM');
    see('output', await container.finished(), 'ready\nend\n');
    await container.delete();
  }),
  state.must('of a created container, as JSON, adheres to the schema', async (t) =>
    adheres(await (await t.created()).state()),
  ),
  state.must('of a running container, as JSON, adheres to the schema', async (t) =>
    adheres(await (await t.running()).state()),
  ),
  state.must('of a stopped container, as JSON, adheres to the schema', async (t) => {
    const container = await t.created();
    await container.start();
    await container.stopped();
    adheres(await container.state());
  }),
  state.must('ociVersion is a version in SemVer form', async (t) =>
    match('ociVersion', (await (await t.created()).state()).ociVersion, SEMVER),
  ),
  state.must("id is the container's id", async (t) => {
    const container = await t.created();
    see('id', (await container.state()).id, container.id);
  }),
  state.must('two containers have states of their own', async (t) => {
    const [one, two] = [await t.created(), await t.running()];
    const states = [await one.state(), await two.state()];
    see(
      'ids',
      states.map(({ id }) => id),
      [one.id, two.id],
    );
    see(
      'statuses',
      states.map(({ status }) => status),
      ['created', 'running'],
    );
    hold('their processes differ', states[0]?.pid !== states[1]?.pid);
  }),
  state.must('status is created once create has finished', async (t) =>
    see('status', (await (await t.created()).state()).status, 'created'),
  ),
  state.must('status is running while the program runs', async (t) =>
    see('status', (await (await t.running()).state()).status, 'running'),
  ),
  ...ENDS.map(([how, args]) =>
    state.must(`status is stopped when the process has ended ${how}`, async (t) => {
      const container = await t.created(args);
      await container.start();
      await container.stopped();
      see('status', (await container.state()).status, 'stopped');
    }),
  ),
  state.must('status is stopped when the process was killed', async (t) => {
    const container = await t.running();
    await container.kill('KILL');
    await container.stopped();
    see('status', (await container.state()).status, 'stopped');
  }),
  state.must('pid of a created container is its process, as the host sees it', async (t) => {
    const container = await t.created();
    const { pid } = await container.state();
    see('pid', pid, container.pid);
    const own = (process: number | string | undefined) => readlinkSync(`/proc/${process}/ns/pid`);
    hold('it is in a pid namespace of its own', own(pid) !== own('self'));
  }),
  state.must('pid of a running container is its process, as the host sees it', async (t) => {
    const container = await t.running();
    const { pid } = await container.state();
    see('pid', pid, container.pid);
    see('its program', basename(readlinkSync(`/proc/${pid}/exe`)), 'probe');
  }),
  state.must('bundle is the absolute path of the bundle', async (t) => {
    const container = await t.created();
    see('bundle', (await container.state()).bundle, container.bundle);
  }),
  state.must('bundle is absolute when it was given as a relative path', async (t) => {
    const container = t.container();
    await container.create({ bundle: basename(container.bundle), cwd: dirname(container.bundle) });
    const { bundle } = await container.state();
    hold(`${bundle} is absolute`, isAbsolute(bundle));
    see('bundle', bundle, container.bundle);
  }),
  state.must('annotations are those of the configuration', async (t) => {
    const annotations = { 'com.example.key': 'a value', 'com.example.empty': '' };
    see('annotations', (await (await t.created(['true'], { annotations })).state()).annotations, annotations);
  }),
  state.may('annotations are absent or empty when there are none', async (t) =>
    see('annotations', (await (await t.created()).state()).annotations ?? {}, {}),
  ),
];

export function adheres(shown: State): void {
  const { issues } = v.safeParse(STATE, shown);
  see('what the schema says against the state', issues?.map(({ message }) => message) ?? [], []);
}
