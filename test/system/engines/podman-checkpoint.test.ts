// podman's checkpoint and restore, by vlab-oci and a criu. Needs root, podman, a criu and dist/ (npm test builds it).
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Criu } from '../../../src/oci/checkpoint/find-criu.js';
import { needs } from '../../skips.js';
import { anyCriu } from '../oci/checkpoint-container.js';
import { COUNTS, counted, goesOn, installCriu } from './engine-criu.js';
import { type Podman, withPodman } from './podman-room.js';
import { WAYS } from './runtimes.js';

const ARCHIVE = '/run/room/checkpoint.tar.gz';

let criu: Criu | undefined;
beforeAll(async () => {
  criu = await anyCriu();
}, 300_000);

describe.each(WAYS)('podman, %s', (way) => {
  let podman: Podman;
  withPodman(way, (own) => {
    podman = own;
    installCriu(own.room, criu);
  });
  const read = (name: string) => async () => (await podman.run('exec', name, 'cat', '/count')).stdout;
  beforeEach(async (context) => {
    needs(context, 'criu', criu !== undefined);
    await podman.ask('run', '-d', '--name=c', 'bb', ...COUNTS);
  });
  afterEach(async () => void (await podman?.run('rm', '-fa', '-t0')));

  it('is ended and goes on', async () => {
    const from = await counted(read('c'));
    await podman.ask('container', 'checkpoint', 'c');
    expect(await podman.ask('inspect', '-f', '{{.State.Status}} {{.State.Checkpointed}}', 'c')).toBe('exited true');
    await podman.ask('container', 'restore', 'c');
    await goesOn(read('c'), from);
    await podman.ask('stop', '-t0', 'c');
  });

  it('goes on while a copy of it is kept, and the copy under another name', async () => {
    const from = await counted(read('c'));
    await podman.ask('container', 'checkpoint', '--leave-running', `--export=${ARCHIVE}`, 'c');
    await goesOn(read('c'), from);
    await podman.ask('container', 'restore', `--import=${ARCHIVE}`, '--name=copy');
    await goesOn(read('copy'), from);
    await podman.ask('pause', 'copy');
    await podman.ask('unpause', 'copy');
  });
});
