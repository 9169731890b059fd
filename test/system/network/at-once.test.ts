// Commands on networks that meet, and a disk that is full. In namespaces made for the test.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Lease } from '../../../src/network/leases.js';
import { parsePublishedPort } from '../../../src/network/ports.js';
import { tableOf } from '../../../src/network/ruleset.js';
import { canRun, Ground, needGround } from './ground.js';

let ground: Ground;

beforeAll(async () => {
  if (canRun) ground = await Ground.start();
});
afterAll(() => ground?.[Symbol.asyncDispose]());
beforeEach(needGround);

type State = { networks: { name: string }[]; leases: { all: Lease[] } };
const reasons = (ends: PromiseSettledResult<unknown>[]) =>
  ends.flatMap((end) => (end.status === 'rejected' ? [(end.reason as Error).message] : []));

it('of four that make one network, one does', async () => {
  const ends = await Promise.allSettled(Array.from({ length: 4 }, () => ground.call('createNetwork', { name: 'one' })));
  expect(reasons(ends)).toEqual(Array.from({ length: 3 }, () => expect.stringContaining('already exists')));
  expect((await ground.sh(ground.host, 'ip -o link')).match(/: vlab-/g)?.length).toBe(1);
  await ground.call('removeNetwork', 'one');
});

it('the default network is made once, by whoever comes first', async () => {
  const made = await Promise.all(Array.from({ length: 4 }, () => ground.call<{ id: string }>('ensureDefaultNetwork')));
  expect(new Set(made.map(({ id }) => id)).size).toBe(1);
});

it('containers that come at once have an address each, and one the port', async () => {
  await ground.call('createNetwork', { name: 'many' });
  const ports = [parsePublishedPort('8400:80')];
  const ends = await Promise.allSettled(Array.from({ length: 4 }, () => ground.connected('many', { ports })));
  expect(reasons(ends)).toEqual(Array.from({ length: 3 }, () => expect.stringContaining('already allocated')));
  const others = await Promise.all(Array.from({ length: 4 }, () => ground.connected('many')));
  const { leases } = await ground.call<State>('currentState');
  expect(leases.all.length).toBe(5);
  expect(new Set(leases.all.flatMap(({ addresses }) => addresses)).size).toBe(5);
  const [first, second] = others;
  if (first && second) expect(await ground.pings(first, second.lease.addresses[0] ?? '')).toBe(true);
  await ground.call(
    'disconnectAll',
    leases.all.map(({ id }) => id),
  );
  await ground.call('removeNetwork', 'many');
});

it('a network that is removed while somebody joins it is there for both, or for neither', async () => {
  for (let round = 0; round < 4; round++) {
    await ground.call('createNetwork', { name: 'met' });
    const [removed, joined] = await Promise.allSettled([ground.call('removeNetwork', 'met'), ground.connected('met')]);
    expect([removed.status, joined.status].sort()).toEqual(['fulfilled', 'rejected']);
    const { leases, networks } = await ground.call<State>('currentState');
    expect(leases.all.length).toBe(joined.status === 'fulfilled' ? 1 : 0);
    expect(networks.some(({ name }) => name === 'met')).toBe(joined.status === 'fulfilled');
    if (joined.status === 'fulfilled') {
      await ground.call('disconnect', joined.value.lease.id);
      await ground.call('removeNetwork', 'met');
    }
  }
});

it('on a full disk nothing is made, what was there stays, and room lets it go on', async () => {
  const data = join(ground.folder, 'full');
  const bridges = async () => (await ground.sh(ground.host, 'ip -o link')).match(/: vlab-/g)?.length ?? 0;
  const before = await bridges();
  mkdirSync(data);
  const holder = `mount -t tmpfs -o size=64k none ${data}; mkdir ${data}/networks; chmod 700 ${data}/networks`;
  const agent = `VLAB_DATA_DIR=${data} "$0" ${ground.folder}/agent.cjs`;
  // head is to fail: the disk is full then. grep -c ends with 1 where it counts none; the counts are compared below.
  const said = await ground.sh(
    ground.host,
    `exec unshare -m sh -ec '${holder}
       ${agent} createNetwork "{\\"name\\":\\"kept\\"}" >/dev/null; before=$(cat ${data}/networks/state.json)
       head -c 100000 /dev/zero >${data}/ballast 2>/dev/null || true
       ${agent} createNetwork "{\\"name\\":\\"late\\"}" 2>&1 && echo made; echo
       test "$before" = "$(cat ${data}/networks/state.json)" && echo same
       ls ${data}/networks | grep -c partial || true; ip -o link | grep -c ": vlab-"
       rm ${data}/ballast; ${agent} createNetwork "{\\"name\\":\\"late\\"}" >/dev/null && echo made
       for name in kept late; do ${agent} removeNetwork "\\"$name\\"" >/dev/null; done
       nft list tables | grep -c ${tableOf(data)} || true' ${process.execPath}`,
  );
  const [error, ...rest] = said.trim().split('\n');
  expect(error).toMatch(/no space left/i);
  expect(rest.filter((one) => one !== '')).toEqual(['same', '0', String(before + 1), 'made', '0']);
  expect(await bridges()).toBe(before);
});
