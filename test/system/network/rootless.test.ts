// Networks of a user who may make no bridges: a program carries the packets. In namespaces made for the test.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findProgram } from '../../../src/base/find-program.js';
import { parsePublishedPort } from '../../../src/network/ports.js';
import type { Helped } from '../../../src/network/rootless.js';
import { hasEnded, processOf } from '../../../src/sys/owners.js';
import { needs } from '../../skips.js';
import { canRun, Ground, needGround, type Place } from './ground.js';

let ground: Ground;

beforeAll(async () => {
  if (!canRun) return;
  ground = await Ground.start();
  await ground.sh(ground.host, 'ip route add default via 198.51.100.2');
});
afterAll(() => ground?.[Symbol.asyncDispose]());
beforeEach((context) => {
  needGround(context);
  needs(context, 'rootless networks', findProgram('slirp4netns') !== undefined);
});

describe.each([0, 1000])('slirp4netns of user %i', (uid) => {
  const call = <T>(name: string, ...args: unknown[]) => ground.callAs<T>(uid, name, ...args);

  it('lets a container out and published ports in, and ends with it', async () => {
    const place = await ground.userPlace(uid);
    const owner = { pid: place.pid, startTime: place.owner.startTime };
    const ports = [parsePublishedPort('8200:80'), parsePublishedPort('127.0.0.1:8201:80')];
    const helped = await call<Helped>('connectRootless', { owner, ports });
    expect(helped).toMatchObject({ device: 'eth0', addresses: ['10.0.2.100'], gateways: ['10.0.2.2'] });
    expect(await ground.sh(place, 'ip -o -4 address show dev eth0')).toContain('10.0.2.100/24');
    if (uid === 0) await ground.serve(ground.outside, 90);
    expect(await ground.seen(place, '198.51.100.2', 90)).toBe('198.51.100.1');
    await ground.serve(place, 80);
    expect(await ground.seen(ground.outside, '198.51.100.1', 8200)).toBeDefined();
    expect(await ground.seen(ground.host, '127.0.0.1', 8201)).toBeDefined();
    expect(await ground.seen(ground.outside, '198.51.100.1', 8201)).toBeUndefined();
    await expect(call('connectRootless', { owner, ports })).rejects.toThrow('Bind for 0.0.0.0:8200 failed');
    const [helper] = await helpersOf(call);
    expect(await named(helper?.pid ?? 0)).toContain('slirp4netns');
    await ground.end(place);
    await call('sweepNetworks');
    expect(hasEnded(helper ?? processOf(0))).toBe(true);
    expect(await helpersOf(call)).toEqual([]);
  });

  it('is ended when the container leaves the network', async () => {
    const place = await ground.userPlace(uid);
    const { id } = await call<Helped>('connectRootless', { owner: place.owner, ports: [] });
    const [helper] = await helpersOf(call);
    await call('disconnect', id);
    expect(hasEnded(helper ?? processOf(0))).toBe(true);
    expect(await ground.pings(place, '198.51.100.2')).toBe(false);
  });
});

type Call = <T>(name: string) => Promise<T>;
type State = { made?: { helpers?: { process: Place['owner'] }[] } };
const helpersOf = async (call: Call) =>
  ((await call<State>('currentState')).made?.helpers ?? []).map((one) => one.process);
const named = async (pid: number) => (await promisify(execFile)('ps', ['-o', 'args=', '-p', String(pid)])).stdout;
