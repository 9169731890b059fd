/** Networks and leases for tests. */
import type { NetworkDefinition } from '../../../src/network/definition.js';
import type { Lease } from '../../../src/network/leases.js';

export const OWNER = { pid: 1, startTime: '1' };

/** Its id is the digit, over and over; gateways are the first addresses. */
export function network(digit: number, subnets: string[], more: Partial<NetworkDefinition> = {}): NetworkDefinition {
  return {
    ...{ id: String(digit).repeat(64), name: `net${digit}`, driver: 'bridge', internal: false, isolated: false },
    subnets: subnets.map((subnet) => ({ subnet, gateway: subnet.replace(/0?\/.*/, '1') })),
    ...{ labels: {}, options: {}, createdAt: '2026-01-01T00:00:00Z', ...more },
  };
}

export function lease(digit: number, of: NetworkDefinition, more: Partial<Lease> = {}): Lease {
  return {
    ...{ id: `c${digit}`.repeat(32), network: of.id, addresses: [], mac: '02:42:00:00:00:01', owner: OWNER },
    device: 'eth0',
    ...{ names: [], ports: [], ...more },
  };
}
