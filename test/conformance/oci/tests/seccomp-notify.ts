/** config-linux.md: seccomp's notifications, and the container process state. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hold, match, see } from '../assert.js';
import { waitFor } from '../command.js';
import type { State } from '../container.js';
import type { Scene } from '../scene.js';
import { filter, RULE } from '../seccomp-filter.js';
import { under } from '../test-type.js';
import { adheres } from './runtime-state.js';

const seccomp = under('config-linux.md#seccomp');
const processState = under('config-linux.md#the-container-process-state');
const NEEDS = { needs: ['seccomp' as const] };

export const SECCOMP_NOTIFY_TESTS = [
  seccomp.must(
    'SCMP_ACT_NOTIFY asks the process at listenerPath',
    async (t) => {
      const { output, agent } = await withAgent(t);
      see('output', output, '0: Invalid cross-device link\n');
      match('what the agent saw', agent, /\ncall \d+\n/);
    },
    { ...NEEDS, since: '1.1.0' },
  ),
  processState.must(
    'the container process state is JSON that names the descriptor and the process',
    async (t) => {
      const { state, pid } = await withAgent(t);
      see('fds', state.fds, ['seccompFd']);
      see('pid', state.pid, pid);
      match('ociVersion', String(state.ociVersion), /^\d+\.\d+\.\d+/);
    },
    { ...NEEDS, since: '1.1.0' },
  ),
  processState.must(
    'one descriptor comes with the container process state',
    async (t) => match('what the agent got', (await withAgent(t)).agent, /^ready\ndescriptors 1\nstate /),
    { ...NEEDS, since: '1.1.0' },
  ),
  processState.must(
    'listenerMetadata is the metadata of the container process state',
    async (t) => see('metadata', (await withAgent(t, { listenerMetadata: 'some data' })).state.metadata, 'some data'),
    { ...NEEDS, since: '1.1.0' },
  ),
  processState.must(
    'the container process state holds the state, which adheres to the schema',
    async (t) => {
      const { state, id } = await withAgent(t);
      adheres(state.state as State);
      see('id', (state.state as State).id, id);
    },
    { ...NEEDS, since: '1.1.0' },
  ),
  seccomp.must(
    'a listenerPath where nobody listens is an error',
    (t) =>
      t.refuses(filter([{ names: ['getpgid'], action: 'SCMP_ACT_NOTIFY' }], { listenerPath: join(t.dir, 'nobody') }), {
        sound: filter([RULE], { listenerPath: join(t.dir, 'nobody') }),
        late: true,
      }),
    { ...NEEDS, since: '1.1.0' },
  ),
  seccomp.must(
    'listenerPath is ignored without SCMP_ACT_NOTIFY',
    async (t) =>
      see(
        'output',
        await t.output(['pgid', '0'], filter([RULE], { listenerPath: '/no/such/socket' })),
        '0: Operation not permitted\n',
      ),
    { ...NEEDS, since: '1.1.0' },
  ),
  seccomp.mustNot(
    'listenerMetadata is set without listenerPath',
    (t) => t.refuses(filter([RULE], { listenerMetadata: 'data' }), { sound: filter([RULE]), late: true }),
    { ...NEEDS, since: '1.1.0' },
  ),
];

/** Runs getpgid(2) under a filter that sends it to an agent: what the program and the agent saw. */
async function withAgent(t: Scene, more: object = {}) {
  const socket = join(t.dir, 's');
  const shown = join(t.dir, 'agent');
  const output = openSync(shown, 'w');
  const agent = spawn(t.probe, ['agent', socket], { stdio: ['ignore', output, 'inherit'] });
  closeSync(output);
  t.finally(() => agent.kill('SIGKILL'));
  const seen = () => readFileSync(shown, 'utf8');
  await waitFor('the socket', () => seen().includes('ready\n'));
  const container = await t.created(
    ['pgid', '0'],
    filter([{ names: ['getpgid'], action: 'SCMP_ACT_NOTIFY' }], { listenerPath: socket, ...more }),
  );
  await container.start();
  const written = await container.finished();
  const [, text] = /^state (\{[\s\S]*\})\s*$/m.exec(seen()) ?? []; // over several lines
  hold('the agent got a state', text !== undefined);
  return {
    output: written,
    agent: seen(),
    state: JSON.parse(text ?? '') as Record<string, unknown>,
    pid: container.pid,
    id: container.id,
  };
}
