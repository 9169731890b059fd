// The plans as a person reads them; test/system/network performs them.
import { describe, expect, it } from 'vitest';
import { bridgePlan, connectPlan, deleteLinkPlan } from '../../../src/network/link-plan.js';
import { showPlan } from '../../../src/sys/show.js';
import { lease, network } from './example-networks.js';

const web = network(1, ['10.1.0.0/16', 'fd00:1::/64'], { mtu: 1400 });
const of = lease(1, web, { addresses: ['10.1.0.2', 'fd00:1::2'] });
const request = { network: web, lease: of, namespace: '/proc/7/ns/net', device: 'eth0', isDefault: true };
const shown = (plan: Parameters<typeof showPlan>[0]) => `${showPlan(plan)}\n`;
const bytesOf = (plan: { data: Uint8Array }) => Buffer.from(plan.data).toString('latin1');

describe('a plan', () => {
  it('makes a bridge', async () => {
    await expect(shown(bridgePlan('x86_64', web))).toMatchFileSnapshot('golden/bridge-plan.txt');
  });

  it('connects a container, and enters its network only for its own end', async () => {
    const plan = connectPlan('x86_64', request);
    await expect(shown(plan)).toMatchFileSnapshot('golden/connect-plan.txt');
    expect(bytesOf(plan)).toContain('vlabvc1c1c1c1c1\0');
    expect(bytesOf(plan)).toContain(`vlab lease ${of.id}\0`);
    expect(bytesOf(plan)).toContain('\x02\x42\x00\x00\x00\x01');
  });

  it('gives no way out where there is none, or where another network is it', () => {
    const routes = (more: object) =>
      connectPlan('x86_64', { ...request, ...more }).steps.filter(({ why }) => /everything else/.test(why));
    expect(routes({}).length).toBe(2);
    expect(routes({ isDefault: false })).toEqual([]);
    expect(routes({ network: { ...web, internal: true } })).toEqual([]);
  });

  it('removes a link by its index', () => {
    const plan = deleteLinkPlan('aarch64', { index: 0x1234, name: 'vlab-1' });
    expect(bytesOf(plan)).toContain('\x34\x12\x00\x00');
    expect(plan.steps.map(({ call }) => call)).toEqual(['socket', 'sendmsg', 'recvfrom', 'ppoll', 'close']);
  });
});
