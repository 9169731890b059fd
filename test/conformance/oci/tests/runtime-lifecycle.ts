/** runtime.md: life cycle, errors, and bundle.md. */
import { existsSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { hasEnded } from '../../../fixtures/oci/processes.js';
import { hold, see } from '../assert.js';
import { waitFor } from '../command.js';
import { under } from '../test-type.js';

const lifecycle = under('runtime.md#lifecycle');
const errors = under('runtime.md#errors');
const format = under('bundle.md#container-format');

export const LIFECYCLE_TESTS = [
  lifecycle.mustNot('create does not run the program', async (t) => {
    const container = await t.created(['make', '/out/made']);
    const made = join(container.rootfs, 'out/made');
    hold('the program has not run after create', !existsSync(made));
    await container.start();
    await container.stopped();
    hold('it has run after start', existsSync(made));
  }),
  lifecycle.mustNot('a later change of config.json does not affect the container', async (t) => {
    const container = t.container(['echo', 'as created']);
    await container.create();
    container.writeConfig({
      ...container.config,
      process: { ...container.config.process, args: ['/probe', 'echo', 'later'] },
    });
    await container.start();
    see('output', await container.finished(), 'as created\n');
  }),
  lifecycle.mustNot('removing config.json after create does not affect the container', async (t) => {
    const container = await t.created(['echo', 'as created']);
    rmSync(join(container.bundle, 'config.json'));
    await container.start();
    see('output', await container.finished(), 'as created\n');
    await container.delete();
  }),
  lifecycle.must('namespaces are made by create', async (t) => {
    const container = await t.created();
    for (const kind of ['pid', 'ipc', 'uts', 'mnt']) {
      const [inside, here] = [container.pid, 'self'].map((one) => readlinkSync(`/proc/${one}/ns/${kind}`));
      hold(`its ${kind} namespace is another than the runtime's`, inside !== here);
    }
  }),
  lifecycle.must(
    'limits are set by create',
    async (t) => {
      const container = await t.created(['true'], { 'linux.resources': { pids: { limit: 23 } } });
      see('pids.max', container.control('pids/pids.max'), '23');
    },
    { needs: ['v1 pids'] },
  ),
  lifecycle.must('an environment that cannot be created is an error', (t) =>
    t.refuses({ 'linux.namespaces+': { type: 'network', path: '/no/such/namespace' } }),
  ),
  lifecycle.must('start runs the program of process', async (t) =>
    see('output', await t.output(['echo', 'it', 'runs']), 'it runs\n'),
  ),
  lifecycle.must('the process may be ended by kill', async (t) => {
    const container = await t.running(['sleep', '60']);
    await container.kill('KILL');
    await container.stopped();
    see('status', (await container.state()).status, 'stopped');
  }),
  lifecycle.must('delete undoes what create did', async (t) => {
    const container = await t.created();
    hold('there is a cgroup before', container.cgroups().length > 0);
    await container.start();
    await container.stopped();
    await container.delete();
    see('cgroups that are left', container.cgroups(), []);
    hold('the process is gone', hasEnded(container.pid));
    hold('nothing is mounted in the bundle', !readFileSync('/proc/self/mountinfo', 'utf8').includes(container.bundle));
  }),
  errors.must('after a failed create the id is free', async (t) => {
    const container = t.container(['echo', 'second'], {
      'linux.namespaces+': { type: 'network', path: '/no/such/namespace' },
    });
    await t.refusedAsIs(container);
    container.writeConfig(t.config(container.id, ['echo', 'second'], {}));
    await container.create();
    await container.start();
    see('output', await container.finished(), 'second\n');
  }),
  errors.must('after a failed create no process is left', async (t) => {
    const sound = await t.running();
    see('processes of the sound twin', sound.processes(), [sound.pid]);
    // The error comes late, when the container's process is there.
    const faulty = t.container(['true'], { 'mounts+': { destination: '/data', type: 'no-such-type', source: 'x' } });
    await t.refusedAsIs(faulty);
    await waitFor('the end of all processes', () => faulty.processes().length === 0, 2000);
  }),
  format.must('the bundle has its config.json at the top', async (t) => {
    const container = await t.created(['true']);
    see('status', (await container.state()).status, 'created');
    const without = t.container();
    rmSync(join(without.bundle, 'config.json'));
    await t.refusedAsIs(without);
  }),
];
