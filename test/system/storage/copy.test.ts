// `cp` between the host and containers, which run or do not, with links that would lead out. Needs root.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyFromHost, copyOut, copyStreamIn, copyToHost } from '../../../src/engine/copy/copy.js';
import { copyName } from '../../../src/engine/copy/copy-rules.js';
import { bootProcessOf } from '../../../src/engine/record/boot.js';
import { containerDir } from '../../../src/engine/record/container-files.js';
import type { ContainerRecord } from '../../../src/engine/record/records.js';
import { newLayer, rootMountOf } from '../../../src/storage/container-layer.js';
import { createVolume } from '../../../src/storage/volumes.js';
import { isRoot, needs } from '../../skips.js';
import { putBusybox, shellIn } from './layers-for-tests.js';
import { withOwnData } from './own-data.js';
import { ownImage } from './own-image.js';

const data = withOwnData();
let host: string;
let running: ChildProcess | undefined;
beforeEach((context) => {
  needs(context, 'root', isRoot);
  host = mkdtempSync(join(tmpdir(), 'vlab-copies-'));
});
afterEach(async () => {
  if (running) {
    running.kill('SIGKILL');
    await once(running, 'exit');
    running = undefined;
  }
  rmSync(host, { recursive: true });
});

const ID = 'c'.repeat(64);
const FILES = { 'srv/file': 'content\n', 'srv/dir/inner': 'inner\n', 'etc/name': 'container\n' };

async function stopped(mounts: ContainerRecord['definition']['mounts'] = []): Promise<ContainerRecord> {
  mkdirSync(containerDir(ID), { recursive: true });
  await newLayer({ directory: containerDir(ID), ...(await ownImage(FILES)) });
  return recordOf('image', { phase: 'created' }, mounts);
}

/** Its root is a directory, which is its process's root as well. */
async function started(): Promise<ContainerRecord> {
  const root = join(data(), 'root');
  putBusybox(root);
  for (const [path, content] of Object.entries(FILES)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  running = spawn('chroot', [root, '/bin/busybox', 'sh', '-c', 'echo ready; exec /bin/busybox sleep 600'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(running.stdout as Readable, 'data');
  return recordOf('directory', { phase: 'running', process: bootProcessOf(running.pid ?? 0) });
}

function recordOf(kind: string, state: object, mounts: unknown = []): ContainerRecord {
  const definition = { root: { kind, path: join(data(), 'root') }, mounts };
  return { id: ID, definition, state: { name: 'web', ...state } } as unknown as ContainerRecord;
}

const KINDS: [string, () => Promise<ContainerRecord>][] = [
  ['that does not run', () => stopped()],
  ['that runs', started],
];

describe.each(KINDS)('a container %s', (_, make) => {
  it('gives files and directories, by docker’s rules', async () => {
    const record = await make();
    await copyToHost(record, '/srv/file', join(host, 'new'), {});
    await copyToHost(record, '/srv', host, {});
    await copyToHost(record, '/srv/.', join(host, 'content'), {});
    expect(readFileSync(join(host, 'new'), 'utf8')).toBe('content\n');
    expect(readFileSync(join(host, 'srv/dir/inner'), 'utf8')).toBe('inner\n');
    expect(readdirSync(join(host, 'content')).sort()).toEqual(['dir', 'file']);
    await expect(copyToHost(record, '/srv', join(host, 'new'), {})).rejects.toThrow('cannot copy directory');
    await expect(copyToHost(record, '/nothing', host, {})).rejects.toThrow(
      'Could not find the file /nothing in container web',
    );
  });

  it('takes them, as root’s own, and gives them back', async () => {
    const record = await make();
    mkdirSync(join(host, 'in/deep'), { recursive: true });
    writeFileSync(join(host, 'in/deep/a'), 'A');
    writeFileSync(join(host, 'in/b|&c'), 'B');
    await copyFromHost(record, join(host, 'in'), '/srv', {});
    await copyFromHost(record, join(host, 'in/.'), '/new', {});
    await copyFromHost(record, join(host, 'in/deep/a'), '/srv/renamed & |x', {});
    const tar = await copyOut(
      record,
      '/srv',
      {},
      async ({ stream, done }) => (await Promise.all([buffer(stream), done]))[0],
      copyName,
    );
    await copyStreamIn(record, Readable.from([tar]), '/tmp');
    await copyToHost(record, '/tmp/srv', join(host, 'out'), {});
    await copyToHost(record, '/new', join(host, 'new'), {});
    expect(readdirSync(join(host, 'out')).sort()).toEqual(['dir', 'file', 'in', 'renamed & |x']);
    expect(readFileSync(join(host, 'out/in/deep/a'), 'utf8')).toBe('A');
    expect(readdirSync(join(host, 'new')).sort()).toEqual(['b|&c', 'deep']);
    expect(statSync(join(host, 'out/renamed & |x')).uid).toBe(0);
  });

  it('nothing in it leads out of it', async () => {
    const record = await make();
    const outside = join(host, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'secret'), 'of the host');
    // Links are made inside, by copying them in.
    const links = join(host, 'links');
    mkdirSync(links);
    symlinkSync(outside, join(links, 'absolute'));
    symlinkSync(`../../../../../../../..${outside}`, join(links, 'relative'));
    symlinkSync('/etc/name', join(links, 'name'));
    await copyFromHost(record, links, '/srv', {});
    await copyToHost(record, '/srv/links/name', join(host, 'link'), {});
    expect(readlinkSync(join(host, 'link'))).toBe('/etc/name');
    await copyToHost(record, '/srv/links/name', join(host, 'followed'), { followLink: true });
    expect(readFileSync(join(host, 'followed'), 'utf8')).toBe('container\n');
    for (const name of ['absolute', 'relative']) {
      for (const path of [`/srv/links/${name}/secret`, `/srv/links/${name}/.`]) {
        await expect(copyToHost(record, path, join(host, 'stolen'), {})).rejects.toThrow('Could not find the file');
      }
      writeFileSync(join(host, 'payload'), 'payload');
      await expect(copyFromHost(record, join(host, 'payload'), `/srv/links/${name}/planted`, {})).rejects.toThrow();
    }
    // A tar that writes through a link that is there already.
    mkdirSync(join(host, 'tar/links/absolute'), { recursive: true });
    writeFileSync(join(host, 'tar/links/absolute/planted'), 'x');
    await copyFromHost(record, join(host, 'tar/.'), '/srv', {}).catch(() => {});
    expect(readdirSync(outside)).toEqual(['secret']);
    expect(existsSync(join(host, 'stolen'))).toBe(false);
  });
});

describe('what is in a volume of a container that does not run', () => {
  it('is the volume’s', async () => {
    const { mountpoint } = await createVolume({ name: 'data' });
    writeFileSync(join(mountpoint, 'kept'), 'kept\n');
    symlinkSync('/etc/hostname', join(mountpoint, 'link'));
    const mount = { kind: 'volume', name: 'data', destination: '/data' };
    const record = await stopped([mount] as unknown as Parameters<typeof stopped>[0]);
    await copyToHost(record, '/data/.', join(host, 'out'), {});
    expect(readdirSync(join(host, 'out')).sort()).toEqual(['kept', 'link']);
    expect(lstatSync(join(host, 'out/link')).isSymbolicLink()).toBe(true);
    writeFileSync(join(host, 'more'), 'more');
    await copyFromHost(record, join(host, 'more'), '/data', {});
    expect(readFileSync(join(mountpoint, 'more'), 'utf8')).toBe('more');
    await expect(copyToHost(record, '/data/link', join(host, 'x'), { followLink: true })).rejects.toThrow(
      'Could not find',
    );
  });
});

describe('what was copied in', () => {
  it('is there when the container starts', async () => {
    const record = await stopped();
    writeFileSync(join(host, 'more'), 'more\n');
    await copyFromHost(record, join(host, 'more'), '/etc/name', {});
    expect(await shellIn(rootMountOf(containerDir(ID)), 'cat /etc/name')).toBe('more\n');
  });
});
