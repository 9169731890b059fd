// What there is and what is not needed any more, by commands. Needs the built dist/ and root.
import { release } from 'node:os';
import { expect, it } from 'vitest';
import { type EngineRoom, withEngineRoom } from './engine-room.js';

let room: EngineRoom;
withEngineRoom((own) => {
  room = own;
});

const run = (...words: string[]) => room.vlab('run', '--network', 'none', ...words);

it('info and version tell what there is, as text and by templates', async () => {
  await run('--name', 'ended', 'busybox', 'true');
  await run('-d', '--name', 'going', 'busybox', 'sleep', '100');
  const format = '{{.Containers}} {{.ContainersRunning}} {{.ContainersStopped}} {{.Images}} {{.DockerRootDir}}';
  expect(await room.done('info', '--format', format)).toBe(`2 1 1 1 ${room.data}`);
  expect(await room.done('system', 'info')).toMatch(/^ContainersRunning: +1$/m);
  expect(await room.done('version', '--format', '{{.Server.KernelVersion}}')).toBe(release());
  expect(await room.done('version')).toContain(process.version);
});

it('system prune removes what nothing uses, and leaves what runs and what has a name', async () => {
  await run('--name', 'anonymous', '-v', '/data', 'busybox', 'true');
  await run('--name', 'named', '-v', 'kept:/data', 'busybox', 'true');
  expect((await room.vlab('system', 'prune')).stdout).toContain('Are you sure you want to continue? [y/N]');
  expect(await room.done('ps', '-aq')).not.toBe('');
  expect((await room.vlab('system', 'prune', '-f', '--volumes', '--filter', 'until=1h')).code).not.toBe(0);
  const said = await room.done('system', 'prune', '-f', '--volumes');
  expect(said).toMatch(
    /^Deleted Containers:\n(?:[0-9a-f]{64}\n){3}\nDeleted Volumes:\n[0-9a-f]{64}\n\nTotal reclaimed space: /,
  );
  expect(await room.done('ps', '-a', '--format', '{{.Names}}')).toBe('going');
  expect(await room.done('volume', 'ls', '-q')).toBe('kept');
  expect(await room.done('images', '-q')).not.toBe('');
  await room.done('rm', '-f', 'going');
  expect(await room.done('system', 'prune', '-af')).toMatch(
    /Deleted Images:\nuntagged: busybox:latest\ndeleted: sha256:/,
  );
  expect(await room.done('images', '-q')).toBe('');
});
