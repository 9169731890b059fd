import { describe, expect, it } from 'vitest';
import { bridgeName, defineNetwork, type NetworkRequest } from '../../../src/network/definition.js';
import { network } from './example-networks.js';

const id = 'ab'.repeat(32);
const define = (request: Partial<NetworkRequest>, more: { routes?: string[]; networks?: string[] } = {}) =>
  defineNetwork(
    { name: 'new', ...request },
    {
      networks: (more.networks ?? []).map((subnet, index) => network(index + 1, [subnet])),
      routes: more.routes ?? [],
      ...{ id, createdAt: '2026-01-01T00:00:00Z' },
    },
  );

describe('a network', () => {
  it('gets a free subnet, and its first address as the gateway', () => {
    expect(define({}).subnets).toEqual([{ subnet: '172.30.0.0/24', gateway: '172.30.0.1' }]);
  });

  it('keeps away from other networks and from the routes of the host', () => {
    const around = { networks: ['172.30.0.0/24'], routes: ['172.30.1.0/25', '172.30.2.0/23'] };
    expect(define({}, around).subnets[0]?.subnet).toBe('172.30.4.0/24');
    expect(define({}, { routes: ['172.16.0.0/12'] }).subnets[0]?.subnet).toBe('10.213.0.0/24');
    expect(() => define({}, { routes: ['0.0.0.0/1', '128.0.0.0/1'] })).toThrow('no subnet is free');
  });

  it('has IPv6 where it is asked for, of its own or chosen by its id', () => {
    expect(define({ ipv6: true }).subnets[1]).toEqual({ subnet: 'fdab:abab:abab::/64', gateway: 'fdab:abab:abab::1' });
    const own = [{ subnet: 'fd00::/64', gateway: 'fd00::ff' }];
    expect(define({ subnets: own, ipv6: true }).subnets.slice(1)).toEqual(own);
  });

  it.each<[string, Partial<NetworkRequest>]>([
    ['network with name net1 already exists', { name: 'net1' }],
    ["not for a network of one's own", { name: 'host' }],
    ['name cannot be so', { name: '../etc' }],
    ['overlaps with one of another network', { subnets: [{ subnet: '10.0.0.0/8' }] }],
    ['no address for a host', { subnets: [{ subnet: '10.9.0.0/16', gateway: '10.8.0.1' }] }],
    ['no address for a host', { subnets: [{ subnet: '10.9.0.0/16', gateway: '10.9.0.0' }] }],
    ['no room', { subnets: [{ subnet: '10.9.0.0/31' }] }],
    ['at most one subnet', { subnets: [{ subnet: '10.9.0.0/16' }, { subnet: '10.8.0.0/16' }] }],
    ['needs a parent', { driver: 'macvlan' }],
    ['mtu cannot be so', { mtu: 20 }],
  ])('is refused: %s', (why, request) => {
    expect(() => define(request, { networks: ['10.1.0.0/16'] })).toThrow(why);
  });

  it('has a bridge whose name is as long as the kernel takes it', () => {
    expect(bridgeName({ id })).toBe('vlab-ababababab');
    expect(bridgeName({ id }).length).toBe(15);
  });
});
