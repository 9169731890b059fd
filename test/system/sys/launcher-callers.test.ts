// Whom the launcher serves: the same user in the same namespaces. Needs root to be somebody else and to make namespaces.
import { spawn } from 'node:child_process';
import { chmodSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ERRNOS } from '../../../src/sys/abi.js';
import { encodePlan } from '../../../src/sys/encode.js';
import { initVersion } from '../../../src/sys/native.js';
import { isRoot, needs } from '../../skips.js';
import { OwnLauncher } from './own-launcher.js';
import { ENDED, framesOf, REFUSED } from './raw-channel.js';
import { nappingPlan } from './waiting-plans.js';

let launcher: OwnLauncher;
beforeAll(async () => {
  launcher = await OwnLauncher.start();
});
afterAll(() => launcher[Symbol.asyncDispose]());

/** A client in a process of its own: sends the plan that it is given, prints what comes back, or the error of connecting. */
const CLIENT = `
  const socket = require('node:net').connect(process.argv[1]);
  socket.on('connect', () => socket.write(Buffer.from(process.argv[2], 'base64')));
  socket.on('error', ({ code }) => { console.error(code); process.exit(1); });
  socket.pipe(process.stdout);
`;

async function callUnder(...wrapper: string[]) {
  const plan = Buffer.from(encodePlan(nappingPlan(0), initVersion())).toString('base64');
  const [command = '', ...args] = [...wrapper, process.execPath, '-e', CLIENT, launcher.socketPath, plan];
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err] = await Promise.all([buffer(child.stdout as Readable), buffer(child.stderr as Readable)]);
  return { frames: framesOf(out).map(({ type, reason }) => ({ type, reason })), error: err.toString().trim() };
}

const refused = { frames: [{ type: REFUSED, reason: ERRNOS.EPERM }], error: '' };
const served = { frames: [{ type: ENDED, reason: 0 }], error: '' };

describe('the launcher', () => {
  it('serves its user in its own namespaces', async () => {
    expect(await callUnder('env')).toEqual(served);
  });

  describe('refuses, and says so, a caller in another', () => {
    beforeEach((context) => needs(context, 'root', isRoot));

    it.each([
      ['user namespace', '-U'],
      ['mount namespace', '-m'],
      ['network namespace', '-n'],
      ['ipc namespace', '-i'],
      ['uts namespace', '-u'],
      ['cgroup namespace', '-C'],
      ['pid namespace', '-pf'],
    ])('%s', async (_, flag) => {
      expect(await callUnder('unshare', flag)).toEqual(refused);
    });
  });

  describe('is out of reach of another user', () => {
    beforeEach((context) => needs(context, 'root', isRoot));
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

    it('by its directory', async () => {
      expect(await callUnder(...nobody)).toEqual({ frames: [], error: 'EACCES' });
    });

    it('by its own check, should directory and socket be open to all', async () => {
      chmodSync(launcher.dir, 0o755);
      chmodSync(launcher.socketPath, 0o666);
      expect(await callUnder(...nobody)).toEqual(refused);
      expect(await callUnder('env')).toEqual(served);
    });
  });

  it('still serves after all that', async () => {
    expect((await (await launcher.perform(nappingPlan(0))).ended).failure).toBeUndefined();
    expect(launcher.descendants()).toEqual([]);
  });
});
