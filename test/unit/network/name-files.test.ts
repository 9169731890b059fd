import { describe, expect, it } from 'vitest';
import { hostsText, parseResolvConf, resolvText } from '../../../src/network/name-files.js';

describe('/etc/hosts', () => {
  it('is as docker writes it', () => {
    const text = hostsText({
      ...{ hostname: 'web', domainname: 'example.org', addresses: ['172.30.0.2', 'fd00::2'] },
      extra: [{ name: 'db', address: '10.0.0.9' }],
    });
    expect(text).toBe(`127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
10.0.0.9\tdb
172.30.0.2\tweb.example.org web
fd00::2\tweb.example.org web
`);
  });
});

const HOST = `# made by hand
nameserver 127.0.0.53
nameserver 10.0.0.53 # ours
nameserver fe80::1%eth0
nameserver fd00::53
domain old.example.org
search a.example.org b.example.org
options ndots:2 timeout:1
`;

describe('/etc/resolv.conf', () => {
  it('is read as resolv.conf(5) says', () => {
    expect(parseResolvConf(HOST)).toEqual({
      nameservers: ['127.0.0.53', '10.0.0.53', 'fe80::1%eth0', 'fd00::53'],
      search: ['a.example.org', 'b.example.org'],
      options: ['ndots:2', 'timeout:1'],
    });
  });

  it('has the servers of the host that a container can reach', () => {
    const rest = 'search a.example.org b.example.org\noptions ndots:2 timeout:1\n';
    expect(resolvText({ host: HOST, ipv6: false })).toBe(`nameserver 10.0.0.53\n${rest}`);
    expect(resolvText({ host: HOST, ipv6: true })).toBe(`nameserver 10.0.0.53\nnameserver fd00::53\n${rest}`);
  });

  it('asks public servers when the host asks only itself', () => {
    const host = 'nameserver 127.0.0.53\nnameserver ::1\n';
    expect(resolvText({ host, ipv6: false })).toBe('nameserver 8.8.8.8\nnameserver 8.8.4.4\n');
    expect(resolvText({ host, ipv6: true }).split('\n').length).toBe(5);
  });

  it('has what was asked for instead', () => {
    const asked = { dns: ['127.0.0.11'], search: ['.'], options: ['ndots:0'] };
    expect(resolvText({ host: HOST, ipv6: false, ...asked })).toBe('nameserver 127.0.0.11\noptions ndots:0\n');
  });
});
