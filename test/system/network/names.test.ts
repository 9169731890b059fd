// Containers find each other by name: by the network's server, and by their /etc/hosts where none answers. In namespaces made for the test.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { findProgram } from '../../../src/base/find-program.js';
import type { NetworkDefinition } from '../../../src/network/definition.js';
import { hasEnded, type Process } from '../../../src/sys/owners.js';
import { needs } from '../../skips.js';
import { canRun, Ground, needGround, type Place } from './ground.js';

const hasDnsmasq = findProgram('dnsmasq') !== undefined;
let ground: Ground;

beforeAll(async () => {
  if (canRun) ground = await Ground.start();
});
afterAll(() => ground?.[Symbol.asyncDispose]());
beforeEach(needGround);

/** The address that a container's own tool finds. Undefined: none; nslookup then ends with 1, which is an answer here. */
const found = async (from: Place, name: string, server: string) => {
  const said = await ground.sh(from, `/bin/busybox nslookup -type=a ${name} ${server} 2>&1 || true`);
  return /Name:\s+\S+\nAddress:\s+(\S+)/.exec(said)?.[1];
};
const serverOf = async (network: NetworkDefinition): Promise<Process | undefined> => {
  const state = await ground.call<{ made: { nameServers: Record<string, Process> } }>('currentState');
  return state.made.nameServers[network.id];
};

describe.skipIf(!canRun)('a network with a server', () => {
  const needServer = (context: TestContext) => needs(context, 'dnsmasq', hasDnsmasq);
  let network: NetworkDefinition;
  let gateway: string;
  let [one, two] = [] as unknown as (Place & { lease: { id: string; addresses: string[] } })[];

  beforeEach(needServer);
  beforeAll(async () => {
    if (!hasDnsmasq) return;
    network = await ground.call('createNetwork', { name: 'web' });
    gateway = network.subnets[0]?.gateway ?? '';
    one = await ground.connected('web', { names: ['db', 'sql'], container: 'ab'.repeat(32) });
    two = await ground.connected('web', { names: ['app'] });
  });

  it('answers names, aliases, short ids and addresses', async () => {
    const [address] = one?.lease.addresses ?? [];
    for (const name of ['db', 'sql', 'db.web', 'abababababab']) {
      expect([name, await found(two as Place, name, gateway)]).toEqual([name, address]);
    }
    expect(await ground.sh(two as Place, `/bin/busybox nslookup ${address} ${gateway}`)).toContain('name = db.web');
    expect(await found(two as Place, 'nobody', gateway)).toBeUndefined();
  });

  it('answers nobody else: not another network, and not the world outside', async () => {
    const other = await ground.call<NetworkDefinition>('createNetwork', { name: 'other' });
    const third = await ground.connected('other', { names: ['far'] });
    expect(await found(third, 'db', other.subnets[0]?.gateway ?? '')).toBeUndefined();
    await ground.sh(ground.outside, `ip route replace ${network.subnets[0]?.subnet} via 198.51.100.1`);
    for (const place of [third, ground.outside]) {
      // No answer is what is expected, and timeout says so by its exit code; what was said is looked at.
      const asked = `timeout 1 /bin/busybox nslookup -type=a db ${gateway} 2>&1 || true`;
      expect(await ground.sh(place, asked)).not.toContain(one?.lease.addresses[0]);
    }
    await ground.call('disconnect', third.lease.id);
    await ground.call('removeNetwork', 'other');
  });

  it('runs without root, is started again when it was killed, and ends with the last container', async () => {
    const server = (await serverOf(network)) as Process;
    expect(readFileSync(`/proc/${server.pid}/status`, 'utf8')).toMatch(/^Uid:\t65534\t65534/m);
    process.kill(server.pid, 'SIGKILL');
    await ground.call('sweepNetworks');
    const again = (await serverOf(network)) as Process;
    expect(again.pid).not.toBe(server.pid);
    expect(await found(two as Place, 'db', gateway)).toBe(one?.lease.addresses[0]);
    await ground.call('disconnect', one?.lease.id);
    expect(await found(two as Place, 'db', gateway)).toBeUndefined();
    await ground.call('disconnect', two?.lease.id);
    expect(await serverOf(network)).toBeUndefined();
    expect(hasEnded(again)).toBe(true);
  });
});

describe('the /etc/hosts of a container', () => {
  const hosts = (name: string) => {
    const file = join(ground.folder, name);
    writeFileSync(file, '127.0.0.1\tlocalhost\n');
    return file;
  };

  it('has the names of a network whose server it does not ask, as they come and go', async () => {
    await ground.call('createNetwork', { name: 'files' });
    const hostsFile = hosts('one');
    const before = readFileSync(hostsFile, 'utf8');
    const one = await ground.connected('files', { names: ['one'], hostsFile, hasOwnServers: true });
    const two = await ground.connected('files', { names: ['two'] });
    expect(readFileSync(hostsFile, 'utf8')).toContain(`${two.lease.addresses[0]}\ttwo.files two`);
    await ground.end(two);
    await ground.call('sweepNetworks');
    expect(readFileSync(hostsFile, 'utf8')).not.toContain('\ttwo');
    expect(readFileSync(hostsFile, 'utf8')).toContain(before);
    await ground.call('disconnect', one.lease.id);
    await ground.call('removeNetwork', 'files');
  });

  it('has those of its second network', async (context) => {
    needs(context, 'dnsmasq', hasDnsmasq);
    await ground.call('createNetwork', { name: 'front' });
    await ground.call('createNetwork', { name: 'back' });
    const place = await ground.place();
    const hostsFile = hosts('both');
    const { namespace, owner } = place;
    const ends = ['front', 'back'].map((network, at) => ({
      ...{ network, namespace, owner, device: `eth${at}`, isDefault: at === 0, names: ['me'], hostsFile },
    }));
    const leases = await ground.call<{ id: string }[]>('connectAll', ends);
    const db = await ground.connected('back', { names: ['db'] });
    const text = readFileSync(hostsFile, 'utf8');
    expect(text).toContain(`${db.lease.addresses[0]}\tdb.back db`);
    expect(text).not.toContain('network front');
    expect(await ground.pings(place, db.lease.addresses[0] ?? '')).toBe(true);
    await ground.call('disconnectAll', [...leases.map(({ id }) => id), db.lease.id]);
    for (const name of ['front', 'back']) await ground.call('removeNetwork', name);
  });
});
