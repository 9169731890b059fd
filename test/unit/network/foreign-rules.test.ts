// What other programs' rules would drop, and what people are told.
import { describe, expect, it } from 'vitest';
import { dropsIn, explainDrops } from '../../../src/network/foreign-rules.js';

const chain = (family: string, table: string, name: string, more = {}) => ({ chain: { family, table, name, ...more } });
const forward = (policy: string) => ({ type: 'filter', hook: 'forward', prio: 0, policy });
const answer = (...chains: object[]) => JSON.stringify({ nftables: [{ metainfo: {} }, ...chains] });

describe('rules of others', () => {
  it('that drop what is forwarded are found, whoever made them; those of vlab are not meant', () => {
    const json = answer(
      chain('ip', 'filter', 'FORWARD', forward('drop')),
      chain('ip', 'filter', 'DOCKER-USER'),
      chain('ip6', 'filter', 'FORWARD', forward('drop')),
      chain('inet', 'firewall', 'routed', forward('drop')),
      chain('inet', 'open', 'forward', forward('accept')),
      chain('inet', 'firewall', 'input', { ...forward('drop'), hook: 'input' }),
      chain('inet', 'vlab', 'forward', forward('drop')),
    );
    expect(dropsIn(json)).toEqual([
      { chain: 'ip filter FORWARD', tool: 'docker' },
      { chain: 'ip6 filter FORWARD', tool: 'iptables' },
      { chain: 'inet firewall routed', tool: 'nft' },
    ]);
  });

  it('are explained with the commands that let vlab through', () => {
    const lines = explainDrops([
      { chain: 'ip filter FORWARD', tool: 'docker' },
      { chain: 'inet firewall routed', tool: 'nft' },
    ]);
    expect(lines[1]).toContain(
      'iptables -I DOCKER-USER -i vlab-+ -j ACCEPT; iptables -I DOCKER-USER -o vlab-+ -j ACCEPT',
    );
    expect(lines[3]).toContain('nft insert rule inet firewall routed iifname "vlab-*" accept');
    expect(explainDrops([])).toEqual([]);
  });
});
