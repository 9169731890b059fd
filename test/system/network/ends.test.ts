// Ends of other kinds than a plain veth pair, what limits and counts them, and ports that somebody has. In namespaces made for the test.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findProgram } from '../../../src/base/find-program.js';
import type { NetworkDefinition } from '../../../src/network/definition.js';
import { parsePublishedPort } from '../../../src/network/ports.js';
import { needs } from '../../skips.js';
import { canRun, Ground, needGround, type Place } from './ground.js';

let ground: Ground;
let network: NetworkDefinition;

beforeAll(async () => {
  if (!canRun) return;
  ground = await Ground.start();
  network = await ground.call('createNetwork', { name: 'web', ipv6: true });
});
afterAll(() => ground?.[Symbol.asyncDispose]());
beforeEach(needGround);

const gatewayOf = (family: 4 | 6) => network.subnets[family === 4 ? 0 : 1]?.gateway ?? '';

describe('an end with a rate', () => {
  it('sends and receives no faster', async () => {
    const rate = { sendBitsPerSecond: 20_000_000, receiveBitsPerSecond: 40_000_000 };
    const one = await ground.connected('web', { rate });
    expect(await ground.sh(one, 'tc qdisc show dev eth0')).toMatch(/tbf .* rate 20Mbit/);
    const veth = `vlabv${one.lease.id.slice(0, 10)}`;
    expect(await ground.sh(ground.host, `tc qdisc show dev ${veth}`)).toMatch(/tbf .* rate 40Mbit/);
    const { ms } = await send(one, 2_000_000);
    // 2 MB are 800 ms of 20 Mbit/s, less the first burst of 64 KiB.
    expect(ms).toBeGreaterThan(700);
    await ground.call('disconnect', one.lease.id);
  });

  it('has its traffic counted, as the container sees it', async () => {
    const one = await ground.connected('web');
    await send(one, 1_000_000);
    const traffic = await ground.call<object>('trafficList', [one.lease]);
    const [[id, seen]] = traffic as [[string, { txBytes: number; rxBytes: number }]];
    expect(id).toBe(one.lease.id);
    expect(seen.txBytes).toBeGreaterThan(1_000_000);
    expect(seen.rxBytes).toBeLessThan(500_000);
    await ground.call('disconnect', one.lease.id);
  });
});

/** Sends bytes from there to the host, which counts them. */
async function send(from: Place, bytes: number): Promise<{ ms: number }> {
  const server = `require('net').createServer(s=>{let n=0;s.on('data',c=>{n+=c.length;if(n>=${bytes})s.end('done')})}).listen(7000,()=>console.log('up'))`;
  await using _ = await ground.program(ground.host, server);
  const began = performance.now();
  const said = await ground.sh(from, `head -c ${bytes} /dev/zero | /bin/busybox nc -w 5 ${gatewayOf(4)} 7000`);
  expect(said).toBe('done');
  return { ms: performance.now() - began };
}

describe("a machine's end", () => {
  it('is a tap on the same bridge, with a lease; what is written into it reaches containers', async () => {
    const one = await ground.connected('web', { names: ['one'] });
    const { owner } = await ground.place();
    type Tap = {
      id: string;
      tap: string;
      mac: string;
      addresses: string[];
      gateways: string[];
      prefixLengths: number[];
    };
    const tap = await ground.call<Tap>('connectTap', { network: 'web', owner, names: ['machine'] });
    expect(tap.prefixLengths).toEqual([24, 64]);
    expect(tap.gateways).toEqual([gatewayOf(4), gatewayOf(6)]);
    const shown = await ground.sh(ground.host, `ip -d link show ${tap.tap}`);
    expect(shown).toMatch(/tun type tap .*vnet_hdr on persist on/);
    expect(shown).toContain(`master vlab-${network.id.slice(0, 10)}`);
    // A program in the place of a machine's network card asks for the container's address, by the tap's descriptor.
    const answer = await ground.sh(
      ground.host,
      `python3 - ${tap.tap} ${tap.mac} ${tap.addresses[0]} ${one.lease.addresses[0]} <<'E'\n${ASK}\nE`,
    );
    expect(answer.trim()).toBe(
      (await ground.sh(one, 'cat /sys/class/net/eth0/address 2>/dev/null; ip -o link show eth0')).match(
        /02:42:[0-9a-f:]+/,
      )?.[0],
    );
    await ground.call('disconnectAll', [tap.id, one.lease.id]);
    expect(await ground.sh(ground.host, 'ip -o link')).not.toContain(tap.tap);
  });
});

describe('the tap of a machine', () => {
  it('is opened by QEMU by its name, and what its card sends is on the bridge', async (context) => {
    const qemu = findProgram('qemu-system-x86_64');
    needs(context, 'qemu', qemu !== undefined);
    const { owner } = await ground.place();
    const tap = await ground.call<{ id: string; tap: string; mac: string }>('connectTap', {
      network: 'web',
      owner,
      names: [],
    });
    const isUp = async () => (await ground.sh(ground.host, `ip -o link show ${tap.tap}`)).includes('LOWER_UP');
    const learned = () => ground.sh(ground.host, `bridge fdb show brport ${tap.tap}`);
    expect(await isUp()).toBe(false);
    const netdev = `tap,id=n,ifname=${tap.tap},script=no,downscript=no`;
    // Without a system it asks the network for one: that is what is seen.
    const args = [
      ...['-machine', 'pc,accel=tcg', '-m', '64', '-display', 'none', '-nodefaults', '-boot', 'n'],
      ...['-netdev', netdev, '-device', `virtio-net-pci,netdev=n,mac=${tap.mac}`],
    ];
    await using _machine = ground.start(ground.host, [qemu as string, ...args]);
    await expect.poll(isUp, { timeout: 10_000 }).toBe(true);
    await expect.poll(learned, { timeout: 15_000 }).toContain(`${tap.mac} master`);
    await ground.call('disconnect', tap.id);
  });
});

/** Sends an ARP request through a tap, and prints the hardware address that is answered. */
const ASK = `
import fcntl, os, select, socket, struct, sys, time
tap, mac, own, wanted = sys.argv[1:]
fd = os.open('/dev/net/tun', os.O_RDWR)
fcntl.ioctl(fd, 0x400454ca, struct.pack('16sH22x', tap.encode(), 0x2 | 0x1000 | 0x4000))
hw = bytes.fromhex(mac.replace(':', ''))
arp = b'\\0\\1\\x08\\0\\6\\4\\0\\1' + hw + socket.inet_aton(own) + bytes(6) + socket.inet_aton(wanted)
end = time.time() + 5
while time.time() < end:
    os.write(fd, bytes(10) + b'\\xff' * 6 + hw + b'\\x08\\x06' + arp)
    while select.select([fd], [], [], 0.2)[0]:
        frame = os.read(fd, 4096)[10:]
        if frame[12:14] == b'\\x08\\x06' and frame[20:22] == b'\\0\\2' and frame[28:32] == socket.inet_aton(wanted):
            print(':'.join('%02x' % one for one in frame[22:28]))
            sys.exit()
`;

describe('a network on a device of the host', () => {
  it('macvlan: its containers are on that wire, with addresses of their own, and leave it', async () => {
    const request = {
      name: 'lan',
      driver: 'macvlan',
      parent: 'out0',
      subnets: [{ subnet: '198.51.100.0/24', gateway: '198.51.100.2', ipRange: '198.51.100.128/25' }],
    };
    await ground.call('createNetwork', request);
    const one = await ground.connected('lan');
    expect(one.lease.addresses).toEqual(['198.51.100.128']);
    expect(await ground.pings(one, '198.51.100.2', 3)).toBe(true);
    expect(await ground.sh(one, 'ip -d link show eth0')).toContain('macvlan mode bridge');
    await ground.call('disconnect', one.lease.id);
    expect(await ground.sh(one, 'ip -o link')).not.toContain('eth0');
    await ground.call('removeNetwork', 'lan');
  });

  it('without its parent, or of a kind that the kernel has not, is refused with the reason', async () => {
    await ground.call('createNetwork', { name: 'lan', driver: 'macvlan', parent: 'nowhere0' });
    await expect(ground.connected('lan')).rejects.toThrow('the device nowhere0 of the network lan is not there');
    await ground.call('removeNetwork', 'lan');
    await ground.call('createNetwork', { name: 'lan', driver: 'ipvlan', parent: 'out0' });
    const hasIpvlan = await ground.sh(ground.host, 'ip link add iv9 link out0 type ipvlan && ip link del iv9').then(
      () => true,
      () => false,
    );
    if (hasIpvlan) await ground.connected('lan');
    else await expect(ground.connected('lan')).rejects.toThrow('the kernel makes no ipvlan of out0');
    await ground.call('sweepNetworks');
  });
});

describe('a port of the host', () => {
  it('that a program has is refused before anything is made; a free one is chosen around it', async () => {
    await ground.serve(ground.host, 8088);
    const ports = [parsePublishedPort('8088:80')];
    await expect(ground.connected('web', { ports })).rejects.toThrow(
      'Bind for 0.0.0.0:8088 failed: port is already allocated',
    );
    await ground.serve(ground.host, 49152);
    const one = await ground.connected('web', { ports: [parsePublishedPort('80')] });
    expect((one.lease as unknown as { ports: { hostPort: number }[] }).ports[0]?.hostPort).toBe(49153);
    await ground.serve(one, 80);
    expect(await ground.seen(ground.outside, '198.51.100.1', 49153)).toBe('198.51.100.2');
    await ground.call('disconnect', one.lease.id);
  });

  it('that a program of the host binds later stays the container’s', async () => {
    const container = await ground.connected('web', { ports: [parsePublishedPort('8090:80')] });
    await ground.serve(container, 80);
    const says = "require('net').createServer(s=>s.end('late')).listen(8090,'0.0.0.0',()=>console.log('up'))";
    await using _late = await ground.program(ground.host, says);
    expect(await ground.seen(ground.outside, '198.51.100.1', 8090)).toBe('198.51.100.2');
    expect(await ground.seen(ground.host, '127.0.0.1', 8090)).toBe(gatewayOf(4));
    await ground.call('disconnect', container.lease.id);
    expect(await ground.seen(ground.outside, '198.51.100.1', 8090)).toBe('late');
  });

  it("is reached by the host's localhost; that of the host is not reached from a network", async () => {
    const one = await ground.connected('web', { ports: [parsePublishedPort('8090:80')] });
    await ground.serve(one, 80);
    expect(await ground.seen(ground.host, '127.0.0.1', 8090)).toBe(gatewayOf(4));
    await ground.serve(ground.host, 9999);
    await ground.sh(
      one,
      `echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet; ip address flush dev lo
       ip route add 127.0.0.0/8 via ${gatewayOf(4)} dev eth0 src ${one.lease.addresses[0]}`,
    );
    expect(await ground.seen(one, '127.0.0.1', 9999)).toBeUndefined();
    // Nothing else than that rule keeps it away.
    await ground.sh(ground.host, `nft flush chain inet ${ground.table} guard`);
    expect(await ground.seen(one, '127.0.0.1', 9999)).toBe(one.lease.addresses[0]);
    await ground.call('disconnect', one.lease.id);
  });

  it('that is one of a range goes to its own port of the container', async () => {
    const one = await ground.connected('web', { ports: [parsePublishedPort('8100-8102:80-82')] });
    await ground.serve(one, 82);
    expect(await ground.seen(ground.outside, '198.51.100.1', 8102)).toBe('198.51.100.2');
    expect(await ground.seen(ground.outside, '198.51.100.1', 8101)).toBeUndefined();
    await ground.call('disconnect', one.lease.id);
  });
});
