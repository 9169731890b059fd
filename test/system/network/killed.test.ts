// Commands on networks that are killed at any moment: the same command then succeeds, and nothing is left in the end.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Lease } from '../../../src/network/leases.js';
import { parsePublishedPort } from '../../../src/network/ports.js';
import { isFullRun } from '../../skips.js';
import { canRun, Ground, needGround } from './ground.js';

const ROUNDS = isFullRun ? 300 : 8;
/** Between the start of Node and the end of the command. */
const [FIRST_MS, LAST_MS] = [90, 420];
let ground: Ground;

beforeAll(async () => {
  if (canRun) ground = await Ground.start();
});
afterAll(() => ground?.[Symbol.asyncDispose]());
beforeEach(needGround);

it(`whatever was killed, ${ROUNDS} rounds`, { timeout: ROUNDS * 5000 }, async () => {
  const place = await ground.place();
  const { namespace, owner } = place;
  const ports = [parsePublishedPort('8080:80')];
  const request = { network: 'n', namespace, owner, device: 'eth0', isDefault: true, ports };
  for (let round = 0; round < ROUNDS; round++) {
    const afterMs = Math.round(FIRST_MS + ((LAST_MS - FIRST_MS) * round) / (ROUNDS - 1));
    await ground.kill(afterMs, 'createNetwork', { name: 'n' });
    // It was done, or what it began is as if it had never been.
    await ground.call('createNetwork', { name: 'n' }).catch((error: Error) => {
      expect(error.message).toContain('network with name n already exists');
    });
    await ground.kill(afterMs, 'connect', request);
    const leases = await ground.call<Lease>('connect', request).then(
      (lease) => [lease],
      async (error: Error) => {
        expect(error.message).toContain('already allocated');
        return (await ground.call<{ leases: { all: Lease[] } }>('currentState')).leases.all;
      },
    );
    expect(leases.length).toBe(1);
    const [lease] = leases;
    expect(await ground.sh(place, 'ip -o -4 address show dev eth0')).toContain(lease?.addresses[0] ?? 'none');
    await ground.kill(afterMs, 'disconnect', lease?.id);
    await ground.call('disconnect', lease?.id);
    await ground.kill(afterMs, 'removeNetwork', 'n');
    await ground.call('removeNetwork', 'n').catch((error: Error) => {
      expect(error.message).toContain('network n not found');
    });
    expect(await ground.sh(ground.host, 'ip -o link')).not.toContain('vlab');
    expect(await ground.sh(ground.host, 'nft list tables')).toBe('');
  }
});
