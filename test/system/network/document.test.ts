// The rules that docs/networks.md shows are those that vlab makes. VLAB_WRITE_DOCS=1 writes them into it.
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { NetworkDefinition } from '../../../src/network/definition.js';
import { bridgeName } from '../../../src/network/definition.js';
import { parsePublishedPort } from '../../../src/network/ports.js';
import { canRun, Ground, needGround } from './ground.js';

const DOCUMENT = resolve(import.meta.dirname, '../../../docs/networks.md');
const RULES = /(?<=\n```nft\n)[^`]*(?=```\n)/;
let ground: Ground;

beforeAll(async () => {
  if (canRun) ground = await Ground.start();
});
afterAll(() => ground?.[Symbol.asyncDispose]());
beforeEach(needGround);

it('shows the rules of a network with a published port', async () => {
  const subnets = [{ subnet: '10.5.0.0/24' }];
  const network = await ground.call<NetworkDefinition>('createNetwork', { name: 'web', subnets });
  await ground.connected('web', { ports: ['8080:80', '127.0.0.1:5353:53/udp'].map(parsePublishedPort) });
  const listed = await ground.sh(ground.host, `nft list table inet ${ground.table}`);
  const rules = listed
    .replaceAll(bridgeName(network), 'vlab-0123456789')
    .replace(`inet ${ground.table} `, 'inet vlab ');
  const document = readFileSync(DOCUMENT, 'utf8');
  if (process.env.VLAB_WRITE_DOCS === '1')
    writeFileSync(
      DOCUMENT,
      document.replace(RULES, () => rules),
    );
  expect(RULES.exec(readFileSync(DOCUMENT, 'utf8'))?.[0]).toBe(rules);
});
