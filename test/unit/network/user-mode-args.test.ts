// The command line of slirp4netns.
import { expect, it } from 'vitest';
import { parsePublishedPort } from '../../../src/network/ports.js';
import { slirpArgs, slirpForwards } from '../../../src/network/user-mode-args.js';

const ports = ['8080:80', '127.0.0.1:8100-8101:90-91', '53:53/udp'].map(parsePublishedPort);
const request = { pid: 7, ports, file: '/r/net/x' };

it('slirp4netns takes the ports on its socket, one by one', async () => {
  await expect(`${slirpArgs(request).join('\n')}\n`).toMatchFileSnapshot('golden/slirp-args.txt');
  const forward = (proto: string, host_addr: string, host_port: number, guest_port: number) => ({
    execute: 'add_hostfwd',
    arguments: { proto, host_addr, host_port, guest_addr: '10.0.2.100', guest_port },
  });
  expect(slirpForwards(ports)).toEqual([
    forward('tcp', '0.0.0.0', 8080, 80),
    forward('tcp', '127.0.0.1', 8100, 90),
    forward('tcp', '127.0.0.1', 8101, 91),
    forward('udp', '0.0.0.0', 53, 53),
  ]);
});
