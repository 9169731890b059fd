// docker's checkpoints, by vlab-oci and a criu. Needs root, docker.io, a criu and dist/ (npm test builds it).
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Criu } from '../../../src/oci/checkpoint/find-criu.js';
import { needs } from '../../skips.js';
import { anyCriu } from '../oci/checkpoint-container.js';
import { type Docker, withDocker } from './docker-room.js';
import { COUNTS, counted, goesOn } from './engine-criu.js';
import { WAYS } from './runtimes.js';

let criu: Criu | undefined;
beforeAll(async () => {
  criu = await anyCriu();
}, 300_000);

describe.each(WAYS)('docker, %s', (way) => {
  let docker: Docker;
  withDocker({ way, flags: ['--experimental'] }, (own) => {
    docker = own;
  });
  const read = async () => (await docker.run('exec', 'one', 'cat', '/count')).stdout;
  beforeEach(async (context) => {
    needs(context, 'criu', criu !== undefined);
    await docker.ask('run', '-d', '--name=one', '--network=none', 'bb', ...COUNTS);
  });
  afterEach(async () => void (await docker?.run('rm', '-f', 'one')));

  it('is ended and goes on', async () => {
    const from = await counted(read);
    await docker.ask('checkpoint', 'create', 'one', 'kept');
    expect(await docker.ask('wait', 'one')).toBe('137');
    await docker.ask('start', '--checkpoint=kept', 'one');
    await goesOn(read, from);
  });

  it('goes on while a copy of it is kept', async () => {
    const from = await counted(read);
    await docker.ask('checkpoint', 'create', '--leave-running', 'one', 'kept');
    await goesOn(read, from);
    await docker.ask('kill', 'one');
    await docker.ask('start', '--checkpoint=kept', 'one');
    await goesOn(read, from);
  });
});
