// The rules as a person reads them. test/system/network sends them to the kernel.
import { describe, expect, it } from 'vitest';
import { parsePublishedPort } from '../../../src/network/ports.js';
import { rulesetFor, tableOf } from '../../../src/network/ruleset.js';
import { lease, network } from './example-networks.js';

const web = network(1, ['10.1.0.0/16', 'fd00:1::/64']);
const closed = network(2, ['10.2.0.0/24'], { internal: true });
const apart = network(3, ['10.3.0.0/24'], { isolated: true });
const lan = network(4, ['192.168.1.0/24'], { driver: 'macvlan', parent: 'eth0' });

const golden = (name: string) => `golden/${name}.json`;
const shown = (value: unknown) => `${JSON.stringify(value, null, 1)}\n`;

describe('the ruleset', () => {
  it('of three networks and two containers with ports', async () => {
    const leases = [
      lease(1, web, {
        addresses: ['10.1.0.2', 'fd00:1::2'],
        ports: ['8000-8001:80-81', '127.0.0.1:53:53/udp', '[fd00::9]:443:443'].map(parsePublishedPort),
      }),
      lease(2, closed, { addresses: ['10.2.0.2'], ports: [parsePublishedPort('9000:9000')] }),
    ];
    await expect(shown(rulesetFor('vlab', { networks: [web, closed, apart, lan], leases }))).toMatchFileSnapshot(
      golden('ruleset'),
    );
  });

  it('without a bridge is no table', () => {
    const emptied = [
      { add: { table: { family: 'inet', name: 'vlab' } } },
      { delete: { table: { family: 'inet', name: 'vlab' } } },
    ];
    expect(rulesetFor('vlab', { networks: [lan], leases: [] })).toEqual({ nftables: emptied });
  });

  it('publishes nothing of an internal network', () => {
    const with9000 = lease(2, closed, { addresses: ['10.2.0.2'], ports: [parsePublishedPort('9000:9000')] });
    expect(JSON.stringify(rulesetFor('vlab', { networks: [closed], leases: [with9000] }))).not.toContain('dnat to');
    expect(rulesetFor('vlab', { networks: [closed], leases: [with9000] })).toEqual(
      rulesetFor('vlab', { networks: [closed], leases: [] }),
    );
  });

  it('speaks of no other table than its own', () => {
    const { nftables } = rulesetFor('vlab-0a1b2c3d', { networks: [web, closed, apart], leases: [] });
    const all = nftables.map((one) => JSON.stringify(one));
    expect(all.filter((one) => !/"(table|name)":"vlab-0a1b2c3d"/.test(one))).toEqual([]);
  });

  it('is in a table of the data directory', () => {
    expect(tableOf('/var/lib/vlab')).toBe('vlab');
    expect(tableOf('/srv/vlab')).toMatch(/^vlab-[0-9a-f]{8}$/);
    expect(tableOf('/srv/vlab')).toBe(tableOf('/srv/vlab/'));
    expect(tableOf('/srv/vlab')).not.toBe(tableOf('/srv/vlab2'));
  });
});
