// Two data directories in one network namespace: neither knows of the other, and neither harms it. In namespaces made for the test.
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { findProgram } from '../../../src/base/find-program.js';
import type { NetworkDefinition } from '../../../src/network/definition.js';
import type { Lease } from '../../../src/network/leases.js';
import { parsePublishedPort } from '../../../src/network/ports.js';
import { tableOf } from '../../../src/network/ruleset.js';
import { hasEnded, type Process } from '../../../src/sys/owners.js';
import { needs } from '../../skips.js';
import { canRun, Ground, needGround, type Place } from './ground.js';

interface Side {
  data: string;
  network: NetworkDefinition;
  place: Place;
  lease: Lease;
  server: Process;
}
type State = { made: { nameServers: Record<string, Process> } };

let ground: Ground;

beforeAll(async () => {
  if (canRun) ground = await Ground.start();
});
afterAll(() => ground?.[Symbol.asyncDispose]());
beforeEach((context) => {
  needGround(context);
  needs(context, 'dnsmasq', findProgram('dnsmasq') !== undefined);
});

it('publish a port each, answer their own names, and one is removed without the other', async () => {
  const first = await sideOf(ground.data, 8101);
  const second = await sideOf(join(ground.folder, 'other'), 8102);
  const tables = async () => (await ground.sh(ground.host, 'nft list tables')).trim().split('\n').sort();
  expect(await tables()).toEqual([first, second].map(({ data }) => `table inet ${tableOf(data)}`).sort());
  expect(first.network.subnets[0]?.subnet).not.toBe(second.network.subnets[0]?.subnet);
  for (const [side, port] of [[first, 8101] as const, [second, 8102] as const]) await works(side, port);
  // They are kept apart as networks of one directory are.
  expect(await ground.pings(first.place, second.lease.addresses[0] ?? '')).toBe(false);

  // A killed command's servers are looked for: those of the other directory are none of them.
  await ground.kill(150, 'createNetwork', { name: 'half' });
  await ground.call('sweepNetworks');
  await works(second, 8102);

  await ground.call('disconnect', first.lease.id);
  await ground.call('pruneNetworksAll');
  expect(hasEnded(first.server)).toBe(true);
  expect(await tables()).toEqual([`table inet ${tableOf(second.data)}`]);
  expect(await ground.seen(ground.outside, '198.51.100.1', 8101)).toBeUndefined();
  await works(second, 8102);

  await ground.callIn(second.data, 'disconnect', second.lease.id);
  await ground.callIn(second.data, 'removeNetwork', 'web');
  expect(await ground.sh(ground.host, 'nft list tables; ip -o link')).not.toContain('vlab');
});

/** A network `web` with a container that is called `db`, whose port 80 is published. */
async function sideOf(data: string, port: number): Promise<Side> {
  const network = await ground.callIn<NetworkDefinition>(data, 'createNetwork', { name: 'web' });
  const place = await ground.place();
  const { namespace, owner } = place;
  const ports = [parsePublishedPort(`${port}:80`)];
  const end = { network: 'web', namespace, owner, device: 'eth0', isDefault: true, names: ['db'], ports };
  const lease = await ground.callIn<Lease>(data, 'connect', end);
  await ground.serve(place, 80);
  const { made } = await ground.callIn<State>(data, 'currentState');
  return { data, network, place, lease, server: made.nameServers[network.id] as Process };
}

async function works({ network, place, lease, server }: Side, port: number): Promise<void> {
  expect(await ground.seen(ground.outside, '198.51.100.1', port)).toBe('198.51.100.2');
  expect(hasEnded(server)).toBe(false);
  const asked = `/bin/busybox nslookup -type=a db ${network.subnets[0]?.gateway}`;
  expect(await ground.sh(place, asked)).toContain(`Address: ${lease.addresses[0]}`);
}
