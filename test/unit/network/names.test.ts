// Who is called what, as files.
import { describe, expect, it } from 'vitest';
import { DEFAULT_NETWORK } from '../../../src/network/definition.js';
import {
  hasNames,
  hostsLines,
  localDomains,
  nameServerArgs,
  nameServerFiles,
  readsNamesInFile,
  withNames,
} from '../../../src/network/names.js';
import { lease, network } from './example-networks.js';

const web = network(1, ['10.1.0.0/16', 'fd00:1::/64']);
const back = network(2, ['10.2.0.0/24'], { internal: true });
const db = lease(1, web, {
  ...{ addresses: ['10.1.0.2', 'fd00:1::2'], container: '0123456789abcdef'.repeat(4) },
  names: ['db', 'sql.example'],
});

describe('the names of a network', () => {
  it('are those of its containers, their aliases and short ids; the domain of the network comes first', () => {
    const names = 'db.net1 db sql.example 0123456789ab sql.example.net1 0123456789ab.net1';
    expect(hostsLines(web, [db, lease(2, web)])).toEqual([`10.1.0.2\t${names}`, `fd00:1::2\t${names}`]);
  });

  it('are asked for nowhere else', () => {
    expect(localDomains(web, [db])).toEqual(
      ['db.net1', 'sql.example', 'sql.example.net1', '0123456789ab.net1'].map((name) => `server=/${name}/`),
    );
  });

  it('are answered where somebody made the network, on a bridge', () => {
    expect([web, { ...web, name: DEFAULT_NETWORK }, { ...web, driver: 'macvlan' as const }].map(hasNames)).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('are answered at the gateways, by a server that asks nobody for an internal network', () => {
    const args = nameServerArgs(web, nameServerFiles('/d'), 'nobody');
    expect(args.filter((one) => one.startsWith('--listen'))).toEqual([
      '--listen-address=10.1.0.1',
      '--listen-address=fd00:1::1',
    ]);
    expect(args).toContain('--resolv-file=/etc/resolv.conf');
    expect(nameServerArgs(back, nameServerFiles('/d'), 'nobody')).toContain('--no-resolv');
  });
});

describe("a container's /etc/hosts", () => {
  const base = '127.0.0.1\tlocalhost\n';

  it('gets a part for each network, whose lines change, and loses it again', () => {
    const one = withNames(base, web, ['10.1.0.2\tdb']);
    expect(one).toBe(`${base}# names of the network net1, kept by vlab\n10.1.0.2\tdb\n# end of the network net1\n`);
    const two = withNames(one, back, ['10.2.0.2\tx']);
    expect(withNames(two, web, ['10.1.0.3\tdb'])).toContain('10.2.0.2\tx');
    expect(withNames(withNames(two, web, []), back, [])).toBe(base);
  });

  it('keeps what somebody wrote into it, also without an end of the line', () => {
    const text = `${withNames(base, web, ['10.1.0.2\tdb'])}1.2.3.4\tmine`;
    expect(withNames(text, web, ['10.1.0.9\tdb'])).toBe(
      `${base}1.2.3.4\tmine\n# names of the network net1, kept by vlab\n10.1.0.9\tdb\n# end of the network net1\n`,
    );
  });

  it('has names where no server answers them: without one, with servers of its own, of a second network', () => {
    const file = { hostsFile: '/c/hosts' };
    const first = lease(1, web, file);
    const second = lease(2, back, file);
    const own = lease(3, web, { hostsFile: '/d/hosts', hasOwnServers: true });
    const all = [first, second, own, lease(4, web)];
    const reads = (isServed: boolean) => all.filter((one) => readsNamesInFile(one, all, () => isServed));
    expect(reads(true)).toEqual([second, own]);
    expect(reads(false)).toEqual([first, second, own]);
  });
});
