// Restart policies and health checks, by the one keeper that comes and goes. Needs the built dist/ and root.
import { expect, it } from 'vitest';
import { type EngineRoom, withEngineRoom } from './engine-room.js';

let room: EngineRoom;
withEngineRoom(
  (own) => {
    room = own;
  },
  { image: false },
);

const runs = (...words: string[]) => room.done('run', '-d', '--rootfs', room.root, ...words);
const DEADLINE_MS = 15_000;

/** The next event of the container that begins so. */
async function told(name: string, action: string, since: number): Promise<void> {
  const child = room.start(
    'events',
    '--since',
    String(since / 1000),
    '--filter',
    `container=${name}`,
    '--format',
    '{{.Action}}',
  );
  const late = setTimeout(() => child.kill(), DEADLINE_MS);
  let said = '';
  for await (const chunk of child.stdout) {
    said += chunk;
    if (said.split('\n').some((line) => line.startsWith(action))) break;
  }
  clearTimeout(late);
  child.kill();
  expect(said).toContain(action);
}

const field = (name: string, template: string) =>
  room.done('ps', '-a', '--filter', `name=^${name}$`, '--format', template);

const keeperPid = async () =>
  (JSON.parse((await room.vlab('keeper', 'status', '--json')).stdout) as { pid: number | null }).pid;

it('on-failure starts again so often, and then no more; the keeper ends with its work', async () => {
  const since = Date.now();
  await runs('--name', 'fails', '--restart', 'on-failure:2', '/bin/sh', '-c', 'exit 3');
  expect(await room.done('wait', 'fails')).toBe('3');
  expect(await field('fails', '{{.Status}}')).toMatch(/^Exited \(3\)/);
  const said = await room.done(
    'events',
    '--since',
    String(since / 1000),
    '--until',
    '0s',
    '--filter',
    'container=fails',
    '--format',
    '{{.Action}}',
  );
  expect(said.split('\n')).toEqual(['create', 'start', 'die', 'start', 'die', 'start', 'die']);
  for (const began = Date.now(); (await keeperPid()) !== null; ) expect(Date.now() - began).toBeLessThan(DEADLINE_MS);
  await room.done('rm', 'fails');
});

it('always starts again what was killed from outside, but not what was stopped', async () => {
  await runs('--name', 'always', '--restart', 'always', '/bin/sleep', '1000');
  const pid = await room.done('top', 'always', '-o', 'pid');
  const since = Date.now() + 1;
  process.kill(Number(pid.split('\n')[1]), 'SIGKILL');
  await told('always', 'start', since);
  expect(await field('always', '{{.State}}')).toBe('running');
  await room.done('stop', '-t', '0', 'always');
  expect(await field('always', '{{.State}}')).toBe('exited');
  await room.done('rm', 'always');
});

it('a killed keeper loses nothing: the next command that sees work brings another', async () => {
  await runs('--name', 'looked', '--restart', 'unless-stopped', '/bin/sleep', '1000');
  const first = await keeperPid();
  process.kill(first ?? 0, 'SIGKILL');
  const pid = await room.done('top', 'looked', '-o', 'pid');
  const since = Date.now() + 1;
  process.kill(Number(pid.split('\n')[1]), 'SIGKILL');
  await told('looked', 'die', since);
  await room.done('ps');
  await told('looked', 'start', since);
  expect(await keeperPid()).not.toBe(first);
  await room.done('rm', '-f', 'looked');
});

it('health: starting, healthy, unhealthy, each told', async () => {
  const since = Date.now();
  const check = ['--health-cmd', 'test ! -e /tmp/ill', '--health-interval', '200ms', '--health-retries', '2'];
  await runs('--name', 'well', ...check, '--tmpfs', '/tmp', '/bin/sleep', '1000');
  expect(await field('well', '{{.Status}}')).toContain('(health: starting)');
  await told('well', 'health_status: healthy', since);
  expect(await field('well', '{{.Status}}')).toContain('(healthy)');
  await room.done('exec', 'well', '/bin/touch', '/tmp/ill');
  await told('well', 'health_status: unhealthy', since);
  expect(await field('well', '{{.Status}}')).toContain('(unhealthy)');
  expect(await room.done('ps', '-q', '--filter', 'health=unhealthy')).not.toBe('');
  await room.done('rm', '-f', 'well');
});

it('a check that takes too long counts as failed', async () => {
  const since = Date.now();
  const check = [
    '--health-cmd',
    'sleep 100',
    '--health-interval',
    '100ms',
    '--health-timeout',
    '200ms',
    '--health-retries',
    '1',
  ];
  await runs('--name', 'slow', ...check, '/bin/sleep', '1000');
  await told('slow', 'health_status: unhealthy', since);
  await room.done('rm', '-f', 'slow');
});
