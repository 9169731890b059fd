// podman for somebody who is not root: its containers are made in a user namespace of podman's, by a vlab-oci of its own, the
// cold way. Needs root (to make the room), podman, uidmap and dist/ (npm test builds it), readable by everybody.
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { needs } from '../../skips.js';
import { until } from '../sys/own-launcher.js';
import type { EngineRoom, RoomOptions } from './engine-room.js';
import { importImage, Podman, setUpPodman } from './podman-room.js';
import { WAYS } from './runtimes.js';
import { withRoom } from './with-room.js';

const USER = { uid: 1234, gid: 1234 };
const HOME = '/run/room/home';
const RUNTIME_DIR = '/run/room/user';
const as: RoomOptions = {
  user: USER,
  cwd: HOME,
  env: { HOME, XDG_RUNTIME_DIR: RUNTIME_DIR, VLAB_CACHE_DIR: `${HOME}/cache` },
};

const hasUidmap = spawnSync('newuidmap').error === undefined;
const namespaces = spawnSync('setpriv', ['--reuid=1234', '--clear-groups', 'unshare', '-Ur', 'true']).status === 0;

let room: EngineRoom;
let podman: Podman;
beforeEach((context) => {
  needs(context, 'uidmap', hasUidmap);
  needs(context, 'user namespaces', namespaces);
});
withRoom({ engine: 'podman', state: [`${RUNTIME_DIR}/vlab-oci`] }, async (own) => {
  if (!hasUidmap || !namespaces) return;
  room = own;
  const roots = await setUpPodman(room, WAYS.includes('another runtime') ? 'another runtime' : 'cold');
  room.append('/etc/passwd', 'user:x:1234:1234::/run/room/home:/bin/sh\n');
  room.append('/etc/group', 'user:x:1234:\n');
  for (const file of ['/etc/subuid', '/etc/subgid']) room.write(file, 'user:500000:65536\n');
  for (const path of [HOME, RUNTIME_DIR]) await room.ask(['install', '-d', '-m700', '-o1234', '-g1234', path]);
  podman = new Podman(room, as);
  await importImage(roots, '/run/room/image', as);
  await podman.once([], 'true'); // podman's own process stays, and holds its user namespace
});
afterEach(async () => void (await podman?.run('rm', '-fa', '-t0')));

describe('podman without root', () => {
  it('a container is root to itself alone', async () => {
    const seen = await podman.says(
      [],
      'id -u; cat /proc/self/uid_map | tr -s " "; touch /x && stat -c %u /x; stat -c %u /bin/busybox',
    );
    expect(seen).toBe('0\n 0 1234 1\n 1 500000 65536\n0\n0');
  });

  it('is another user, or the one outside', async () => {
    expect(await podman.says(['--user=1000:44'], 'id -u; id -g; touch /tmp/x && stat -c %u:%g /tmp/x')).toBe(
      '1000\n44\n1000:44',
    );
    expect(await podman.says(['--userns=keep-id'], 'id -u')).toBe('1234');
  });

  it.each([
    [['sh', '-c', 'exit 9'], 9],
    [['missing'], 127],
    [['/plain'], 126],
  ] as const)('%j ends with %i', async (command, code) => {
    expect((await podman.once([], ...command)).code).toBe(code);
  });

  it('volumes, a read-only root, devices and settings', async () => {
    await room.ask(['sh', '-c', 'mkdir -p v && echo mine > v/file'], as);
    const flags = [
      `-v=${HOME}/v:/v:ro`,
      '--read-only',
      '--tmpfs=/t',
      '--hostname=inside',
      '--sysctl=kernel.msgmax=4096',
    ];
    const script =
      'cat /v/file; touch /x 2>&1; touch /v/x 2>&1; touch /t/x && head -c 2 /dev/zero | wc -c; hostname; cat /proc/sys/kernel/msgmax';
    expect(await podman.says(flags, script)).toBe(
      'mine\ntouch: /x: Read-only file system\ntouch: /v/x: Read-only file system\n2\ninside\n4096',
    );
  });

  it('lives, takes programs and terminals, and ends', async () => {
    await podman.ask(
      'run',
      '-d',
      '--name=c',
      'bb',
      'sh',
      '-c',
      'trap "exit 3" TERM; echo ready; while :; do sleep 0.05; done',
    );
    await until(async () => (await podman.ask('logs', 'c')) === 'ready', 'it runs');
    expect(await podman.run('exec', 'c', 'sh', '-c', 'id -u; exit 4')).toMatchObject({ code: 4, stdout: '0\n' });
    expect((await podman.onTerminal('exec', '-it', 'c', 'tty')).stdout).toContain('/dev/pts/');
    expect((await podman.run('exec', 'c', 'missing')).code).toBe(127);
    expect(await podman.ask('top', 'c', 'pid', 'comm')).toMatch(/\n1 +sh\n/);
    await podman.ask('stop', '-t20', 'c');
    expect(await podman.ask('inspect', '-f', '{{.State.ExitCode}}', 'c')).toBe('3');
  });

  it('has a terminal', async () => {
    const sized = 'while [ "$(stty size 2>&1)" != "40 100" ]; do sleep 0.05; done; stty size';
    const { stdout } = await podman.onTerminal('run', '--rm', '-it', 'bb', 'sh', '-c', `tty; ${sized}`);
    expect(stdout).toBe('/dev/pts/0\r\n40 100\r\n');
  });

  it('shares a pod', async () => {
    await podman.ask(
      'pod',
      'create',
      '--name=p',
      '--network=none',
      '--share=net,ipc,uts',
      '--infra-image=bb',
      '--infra-command=sleep 100',
    );
    for (const name of ['a', 'b']) await podman.ask('run', '-d', `--name=${name}`, '--pod=p', 'bb', 'sleep', '100');
    const net = (name: string) => podman.ask('exec', name, 'readlink', '/proc/self/ns/net');
    expect(await net('a')).toBe(await net('b'));
    await podman.ask('pod', 'rm', '-f', '-t0', 'p');
  });

  it('builds', async () => {
    await room.ask(['sh', '-c', 'printf "FROM localhost/bb\\nRUN id -u > /built\\n" > Containerfile'], as);
    await podman.ask('build', '--isolation=oci', '--runtime=/usr/local/bin/vlab-oci', '-t', 'built', HOME);
    expect(await podman.ask('run', '--rm', 'built', 'cat', '/built')).toBe('0');
    await podman.ask('rmi', '-f', 'built');
  });
});
