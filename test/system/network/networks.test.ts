// Networks on the real kernel, all of it in network namespaces made for the test. Needs root, nft, ip and busybox.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { NetworkDefinition } from '../../../src/network/definition.js';
import { parsePublishedPort } from '../../../src/network/ports.js';
import { canRun, Ground, needGround, type Place } from './ground.js';

let ground: Ground;

beforeAll(async () => {
  if (canRun) ground = await Ground.start();
});
afterAll(() => ground?.[Symbol.asyncDispose]());
beforeEach(needGround);

const links = async () => (await ground.sh(ground.host, 'ip -o link')).match(/vlab[-v]\w+/g) ?? [];
type Container = Place & { lease: { id: string; addresses: string[] } };

describe('two containers on a network', () => {
  let [one, two] = [] as unknown as [Container, Container];
  let network: NetworkDefinition;

  beforeAll(async () => {
    if (!canRun) return;
    network = await ground.call('createNetwork', { name: 'web', ipv6: true, mtu: 1400 });
    const ports = ['8080:80', '127.0.0.1:8081:80', '[2001:db8::1]:8082:80'].map(parsePublishedPort);
    one = await ground.connected('web', { ports });
    two = await ground.connected('web');
    await ground.serve(one, 80);
    await ground.serve(ground.outside, 90);
  });

  it('reach each other and the gateway, by IPv4 and IPv6', async () => {
    for (const address of [...one.lease.addresses, ...network.subnets.map(({ gateway }) => gateway)]) {
      expect([address, await ground.pings(two, address)]).toEqual([address, true]);
    }
    expect(await ground.seen(two, one.lease.addresses[0] ?? '', 80)).toBe(two.lease.addresses[0]);
  });

  it('have the address of their lease, its MAC address, and the MTU of the network', async () => {
    const shown = await ground.sh(two, 'ip address show dev eth0');
    expect(shown).toContain('link/ether 02:42:ac:1e:00:03');
    expect(shown).toContain('mtu 1400');
    expect(shown).toContain('inet 172.30.0.3/24 brd 172.30.0.255 scope global');
  });

  it('are seen outside by the address of the host', async () => {
    expect(await ground.seen(one, '198.51.100.2', 90)).toBe('198.51.100.1');
    expect(await ground.seen(one, '2001:db8::2', 90)).toBe('2001:db8::1');
  });

  it('are reached by a published port from outside, from the host, from each other and from themselves', async () => {
    const [v4, v6] = network.subnets.map(({ gateway }) => gateway);
    expect(await ground.seen(ground.outside, '198.51.100.1', 8080)).toBe('198.51.100.2');
    expect(await ground.seen(ground.outside, '2001:db8::1', 8080)).toBe('2001:db8::2');
    expect(await ground.seen(ground.outside, '2001:db8::1', 8082)).toBe('2001:db8::2');
    expect(await ground.seen(ground.host, '198.51.100.1', 8080)).toBe('198.51.100.1');
    expect(await ground.seen(ground.host, '127.0.0.1', 8081)).toBe(v4);
    for (const container of [one, two]) {
      expect(await ground.seen(container, '198.51.100.1', 8080)).toBe(v4);
      expect(await ground.seen(container, '2001:db8::1', 8082)).toBe(v6);
    }
  });

  it('are not reached by a port of another address, or without one', async () => {
    expect(await ground.seen(ground.outside, '198.51.100.1', 8081)).toBeUndefined();
    expect(await ground.seen(ground.outside, '198.51.100.1', 80)).toBeUndefined();
    await ground.sh(ground.outside, 'ip route add 172.30.0.0/24 via 198.51.100.1');
    expect(await ground.seen(ground.outside, one.lease.addresses[0] ?? '', 80)).toBeUndefined();
  });

  it('are apart from those of another network, except by a published port', async () => {
    await ground.call('createNetwork', { name: 'other' });
    const third = await ground.connected('other');
    expect(await ground.pings(third, one.lease.addresses[0] ?? '')).toBe(false);
    expect(await ground.pings(one, third.lease.addresses[0] ?? '')).toBe(false);
    expect(await ground.seen(third, '198.51.100.1', 8080)).toBeDefined();
    await ground.call('disconnect', third.lease.id);
    await ground.call('removeNetwork', 'other');
  });

  it('keep their network, and its address', async () => {
    await expect(ground.call('removeNetwork', 'web')).rejects.toThrow('in use by 2');
    const { namespace, owner } = two;
    const again = { network: 'web', namespace, owner, device: 'eth1', isDefault: false, addresses: ['172.30.0.2'] };
    await expect(ground.call('connect', again)).rejects.toThrow('is taken');
  });
});

describe('a network', () => {
  it('that is internal has no way out and none in', async () => {
    await ground.call('createNetwork', { name: 'closed', internal: true });
    const one = await ground.connected('closed');
    const two = await ground.connected('closed');
    expect(await ground.pings(one, two.lease.addresses[0] ?? '')).toBe(true);
    await ground.sh(one, `ip route add default via ${one.lease.addresses[0]?.replace(/\d+$/, '1')}`);
    expect(await ground.pings(one, '198.51.100.2')).toBe(false);
  });

  it('that is isolated lets its containers out, but not to each other', async () => {
    await ground.call('createNetwork', { name: 'apart', isolated: true });
    const one = await ground.connected('apart');
    const two = await ground.connected('apart');
    expect(await ground.pings(one, two.lease.addresses[0] ?? '')).toBe(false);
    expect(await ground.pings(one, '198.51.100.2')).toBe(true);
  });

  it('gets no subnet that the host has a route to', async () => {
    await ground.sh(ground.host, 'ip route add 172.30.0.0/16 dev out0');
    const made = await ground.call<NetworkDefinition>('createNetwork', { name: 'far' });
    expect(made.subnets[0]?.subnet).toBe('172.31.0.0/24');
    await ground.call('removeNetwork', 'far');
    await ground.sh(ground.host, 'ip route delete 172.30.0.0/16 dev out0');
  });

  it('is removed with all that it had, once its containers were killed; and nothing else is', async () => {
    await ground.sh(ground.host, 'nft add table inet foreign; ip link add vlab-foreign type bridge');
    await ground.call('createNetwork', { name: 'brief' });
    const one = await ground.connected('brief', { ports: [parsePublishedPort('9999:99')] });
    await ground.end(one);
    const [swept] = await ground.call<{ id: string }[]>('sweepNetworks');
    expect(swept?.id).toBe(one.lease.id);
    expect(await links()).not.toContain(`vlabv${one.lease.id.slice(0, 10)}`);
    expect(await ground.sh(ground.host, `nft list table inet ${ground.table}`)).not.toContain('9999');
    await ground.call('removeNetwork', 'brief');
    expect(await ground.sh(ground.host, 'nft list tables')).toContain('table inet foreign');
    expect(await links()).toContain('vlab-foreign');
    await ground.sh(ground.host, 'ip link delete vlab-foreign');
  });

  it("whose link was marked by somebody else is left alone, and a reboot's loss is made good", async () => {
    const made = await ground.call<NetworkDefinition>('createNetwork', { name: 'again' });
    const bridge = `vlab-${made.id.slice(0, 10)}`;
    await ground.sh(ground.host, `ip link delete ${bridge}; nft delete table inet ${ground.table}`);
    const one = await ground.connected('again');
    expect(await ground.pings(one, made.subnets[0]?.gateway ?? '')).toBe(true);
    expect(await ground.sh(ground.host, 'nft list tables')).toContain(`inet ${ground.table}`);
    await ground.call('disconnect', one.lease.id);
    await ground.sh(ground.host, `ip link set ${bridge} alias mine`);
    await expect(ground.connected('again')).rejects.toThrow("is not vlab's own");
    await ground.call('removeNetwork', 'again');
    expect(await links()).toContain(bridge);
    await ground.sh(ground.host, `ip link delete ${bridge}`);
  });
});
