import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Leases, macFor, NO_LEASES, releaseLease, sweepLeases, takeLease } from '../../../src/network/leases.js';
import { parsePublishedPort } from '../../../src/network/ports.js';
import { network, OWNER } from './example-networks.js';

const small = network(1, ['10.1.0.0/29']);
const dual = network(2, ['10.2.0.0/24', 'fd00:2::/64']);
let count = 0;
const request = (more = {}) => ({ device: 'eth0', id: String(++count).padStart(64, '0'), owner: OWNER, ...more });

describe('a lease', () => {
  it('is of the next free address of each subnet, and of a MAC address made of the first', () => {
    const { lease, leases } = takeLease(NO_LEASES, dual, request());
    expect(lease.addresses).toEqual(['10.2.0.2', 'fd00:2::2']);
    expect(lease.mac).toBe('02:42:0a:02:00:02');
    expect(takeLease(leases, dual, request()).lease.addresses).toEqual(['10.2.0.3', 'fd00:2::3']);
  });

  it('is never of the network, the gateway or everybody, and ends when the subnet is exhausted', () => {
    let leases: Leases = NO_LEASES;
    const given: string[] = [];
    for (let at = 0; at < 5; at++) {
      const taken = takeLease(leases, small, request());
      given.push(...taken.lease.addresses);
      leases = taken.leases;
    }
    expect(given).toEqual([2, 3, 4, 5, 6].map((last) => `10.1.0.${last}`));
    expect(() => takeLease(leases, small, request())).toThrow('all addresses of 10.1.0.0/29');
    const third = leases.all[2]?.id ?? '';
    expect(takeLease(releaseLease(leases, third), small, request()).lease.addresses).toEqual(['10.1.0.4']);
  });

  it('that was released rests while others are free', () => {
    const first = takeLease(NO_LEASES, small, request());
    const then = takeLease(releaseLease(first.leases, first.lease.id), small, request());
    expect(then.lease.addresses).toEqual(['10.1.0.3']);
  });

  it('can be of a static address, once', () => {
    const { leases, lease } = takeLease(NO_LEASES, dual, request({ addresses: ['fd00:2:0::50'] }));
    expect(lease.addresses).toEqual(['10.2.0.2', 'fd00:2::50']);
    const again = (...addresses: string[]) => takeLease(leases, dual, request({ addresses }));
    expect(() => again('fd00:2::50')).toThrow('is taken');
    expect(() => again('10.2.0.1')).toThrow('is taken');
    expect(() => again('10.2.0.255')).toThrow('no address for a host');
    expect(() => again('10.3.0.5')).toThrow('in no subnet');
  });

  it('is swept when its owner has ended', () => {
    const dead = { pid: 7, startTime: '7' };
    const one = takeLease(NO_LEASES, small, request({ owner: dead }));
    const two = takeLease(one.leases, small, request());
    const swept = sweepLeases(two.leases, ({ pid }) => pid === 7);
    expect(swept.dead).toEqual([one.lease]);
    expect(swept.leases.all).toEqual([two.lease]);
  });

  it('has no port that another one has', () => {
    const publish = (leases: Leases, ...ports: string[]) =>
      takeLease(leases, dual, request({ ports: ports.map(parsePublishedPort) })).leases;
    const first = publish(NO_LEASES, '8000-8010:1-11', '10.0.0.1:53:53/udp');
    expect(() => publish(first, '8010:80')).toThrow('already allocated');
    expect(() => publish(first, '53:53/udp')).toThrow('already allocated');
    expect(publish(first, '8011:80', '53:53', '10.0.0.2:53:53/udp').all.length).toBe(2);
  });

  it('has ports of the host that nobody publishes, where they are not named', () => {
    const ports = ['80', '443', '49153:22', '1-2', '53/udp'].map(parsePublishedPort);
    const { lease, leases } = takeLease(NO_LEASES, dual, request({ ports: ports.slice(2) }));
    expect(lease.ports.map(({ hostPort }) => hostPort)).toEqual([49153, 49154, 49152]);
    const next = takeLease(leases, dual, request({ ports: ports.slice(0, 2) })).lease;
    expect(next.ports.map(({ hostPort }) => hostPort)).toEqual([49152, 49156]);
    const all = [parsePublishedPort('1-65000')];
    expect(() => takeLease(NO_LEASES, dual, request({ ports: all }))).toThrow('no 65000 ports');
  });

  it('is never given twice, in whatever order they come and go', () => {
    const moves = fc.array(fc.oneof(fc.constant('take'), fc.nat(9)), { maxLength: 60 });
    fc.assert(
      fc.property(moves, (all) => {
        let leases: Leases = NO_LEASES;
        for (const move of all) {
          if (move !== 'take') leases = releaseLease(leases, leases.all[move as number]?.id ?? '');
          else if (leases.all.length < 5) leases = takeLease(leases, small, request()).leases;
          else expect(() => takeLease(leases, small, request())).toThrow();
          const addresses = leases.all.flatMap((lease) => lease.addresses);
          expect(new Set(addresses).size).toBe(addresses.length);
        }
      }),
    );
  });
});

it('a MAC address is locally administered and of one device', () => {
  expect(macFor(['172.30.0.2'])).toBe('02:42:ac:1e:00:02');
  expect(macFor(['fd00::1:2'])).toBe('02:42:00:01:00:02');
});
