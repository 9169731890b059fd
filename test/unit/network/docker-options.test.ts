// Options of networks and of their ends, by the names that docker and podman have for them.
import { describe, expect, it } from 'vitest';
import { contains, parseAddress, parsePrefix } from '../../../src/network/address.js';
import { optionEffects, rateOf, subnetRequests } from '../../../src/network/docker-options.js';

const within = (subnet: string, address: string) => contains(parsePrefix(subnet), parseAddress(address));
const flags = { subnet: [], gateway: [], ipRange: [], auxAddress: [] };

describe('the options of a network', () => {
  it('say what vlab does about them; others are kept', () => {
    expect(optionEffects({ 'com.docker.network.driver.mtu': '1400', parent: 'eth0', foo: 'bar' })).toEqual({
      ...{ mtu: 1400, parent: 'eth0' },
    });
    expect(optionEffects({ 'com.docker.network.bridge.enable_icc': 'false' })).toEqual({ isolated: true });
    expect(optionEffects({ 'com.docker.network.bridge.enable_icc': 'true' })).toEqual({ isolated: false });
  });

  it.each([
    ['mtu', 'large'],
    ['com.docker.network.bridge.enable_icc', 'maybe'],
    ['macvlan_mode', 'vepa'],
    ['isolate', 'false'],
  ])('%s is not %s', (name, value) => expect(() => optionEffects({ [name]: value })).toThrow(name));
});

describe('the addresses of a network', () => {
  it('belong to the subnet that has them', () => {
    const asked = {
      ...{ subnet: ['10.1.0.0/16', 'fd00:1::/64'], gateway: ['fd00:1::9', '10.1.0.9'] },
      ...{ ipRange: ['10.1.5.0/24'], auxAddress: ['router=10.1.0.7'] },
    };
    expect(subnetRequests(asked, within)).toEqual([
      { subnet: '10.1.0.0/16', gateway: '10.1.0.9', ipRange: '10.1.5.0/24', auxAddresses: { router: '10.1.0.7' } },
      { subnet: 'fd00:1::/64', gateway: 'fd00:1::9', auxAddresses: {} },
    ]);
  });

  it('are wrong without one', () => {
    expect(() => subnetRequests({ ...flags, gateway: ['10.1.0.9'] }, within)).toThrow('no matching subnet');
    expect(() => subnetRequests({ ...flags, subnet: ['10.1.0.0/16'], auxAddress: ['10.1.0.1'] }, within)).toThrow(
      'no NAME=ADDRESS',
    );
  });
});

it('the rate of an end is that of its options', () => {
  expect(rateOf({ 'vlab.send-rate': '10mbit' })).toEqual({ sendBitsPerSecond: 10_000_000 });
  expect(rateOf({ other: 'x' })).toBeUndefined();
  expect(() => rateOf({ 'vlab.receive-rate': '10' })).toThrow('is no rate');
});
