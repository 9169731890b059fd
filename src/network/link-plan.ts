/**
 * Plans that make and remove the links of a network: its bridge, and the veth pair between it and a container. Pure; networks.ts
 * performs them in the network namespace that the bridge is in.
 */
import { ABI, type Arch, flags } from '../sys/abi.js';
import {
  addressBody,
  attribute,
  cString,
  defaultRouteBody,
  HEADER_BYTES,
  INDEX_AT,
  linkBody,
  message,
  nested,
  RTNETLINK,
} from '../sys/netlink.js';
import { openTalk } from '../sys/netlink-steps.js';
import { num } from '../sys/num.js';
import { type Addr, label, type Plan, PlanBuilder, type Word } from '../sys/plan.js';
import { TUN } from '../sys/tun.js';
import { addressBytes, BITS, parseAddress, parsePrefix } from './address.js';
import { bridgeAlias, bridgeName, type NetworkDefinition } from './definition.js';
import { type Lease, macFor, vethAlias, vethName } from './leases.js';
import { rateMessage } from './rate.js';

const HINT = 'the kernel refused it: look at `ip link` and `ip address` for a name or an address that is taken';
/** Of linux/socket.h: what struct ifaddrmsg and struct rtmsg call the families. */
const SOCKET_FAMILY = { 4: 2, 6: 10 } as const;

type Talk = ReturnType<typeof openTalk>;

/** The bridge, with its alias, its gateways' addresses and its MTU, up. */
export function bridgePlan(arch: Arch, network: NetworkDefinition): Plan {
  const b = new PlanBuilder(arch);
  const name = bridgeName(network);
  const talk = openTalk(b, 'the network of the host', HINT);
  // Without an address of its own it takes one of its ports', and is nobody that its containers know when that port goes.
  const mac = attribute(RTNETLINK.IFLA_ADDRESS, macBytes(macFor(network.subnets.map(({ gateway }) => gateway))));
  const info = nested(RTNETLINK.IFLA_LINKINFO, kind('bridge'));
  talk.tell(newLink(name, Buffer.concat([mac, info]), network.mtu), 'bridge', `make ${name}`);
  // Else it asks for no neighbour in its first second (RFC 4862, section 5.4): nobody else has its address.
  writeSetting(b, `/proc/sys/net/ipv6/conf/${name}/accept_dad`, '0', 'know that its address is its own');
  talk.tell(
    upMessage(name, attribute(RTNETLINK.IFLA_IFALIAS, cString(bridgeAlias(network)))),
    'up',
    `mark ${name} as vlab's own and bring it up`,
  );
  const index = talk.indexOf(name);
  network.subnets.forEach(({ subnet, gateway }) => {
    tellAddress(talk, gateway, parsePrefix(subnet).length, index, name);
  });
  // Ports that are published on 127.0.0.1 come over the bridge with that source (Documentation/networking/ip-sysctl.rst).
  writeSetting(b, `/proc/sys/net/ipv4/conf/${name}/route_localnet`, '1', 'let localhost reach published ports');
  talk.end();
  return b.build();
}

export interface Connection {
  network: NetworkDefinition;
  lease: Lease;
  /** The container's network namespace: `/proc/PID/ns/net`. */
  namespace: string;
  /** What the container calls it: `eth0`. */
  device: string;
  /** Whether its default routes go by this network. */
  isDefault: boolean;
}

/**
 * The container's end, with the lease's addresses: of a veth pair whose other end is on the bridge, or a macvlan or ipvlan of the
 * network's parent. The container's lo is up then, too. The performer is in the host's network again at the end.
 */
export function connectPlan(arch: Arch, { network, lease, namespace, device, isDefault }: Connection): Plan {
  const b = new PlanBuilder(arch);
  const [target, home] = [b.word('namespace'), b.word('home')];
  const reading = [flags('AT_FDCWD'), flags('O_CLOEXEC')] as const;
  b.step('openat', [reading[0], b.str('/proc/self/ns/net'), reading[1]], 'find the way back', { result: home });
  b.step('openat', [reading[0], b.str(namespace), reading[1]], "find the container's network", {
    result: target,
    hint: 'the container has ended',
  });
  const host = openTalk(b, 'the network of the host', HINT);
  if (network.driver === 'bridge') tellPair(b, host, { network, lease, device, target });
  else tellPart(b, host, { network, lease, device, target });
  host.end();
  b.step('setns', [target, flags('CLONE_NEWNET')], 'enter the network of the container', { accept: [0, 0] });
  const inside = openTalk(b, 'the network of the container', HINT);
  inside.tell(upMessage('lo'), 'up', 'bring lo up');
  const index = inside.indexOf(device);
  lease.addresses.forEach((address, at) => {
    tellAddress(inside, address, parsePrefix(network.subnets[at]?.subnet ?? '').length, index, device);
  });
  const { sendBitsPerSecond } = lease.rate ?? {};
  if (sendBitsPerSecond !== undefined) tellRate(inside, sendBitsPerSecond, index, device);
  inside.tell(upMessage(device), 'up', `bring ${device} up`);
  if (isDefault && !network.internal) tellDefaultRoutes(inside, network);
  inside.end();
  b.step('close', [target], 'done with it');
  b.step('setns', [home, flags('CLONE_NEWNET')], 'go back', { accept: [0, 0] });
  b.step('close', [home], 'done with it');
  return b.build();
}

interface End {
  network: NetworkDefinition;
  lease: Lease;
  device: string;
  /** Descriptor of the container's network namespace. */
  target: Word;
}

function tellPair(b: PlanBuilder, host: Talk, { network, lease, device, target }: End): void {
  const [name, bridge] = [vethName(lease), bridgeName(network)];
  const peer = Buffer.concat([linkBody(0), ...endOf(network, lease, device), NAMESPACE]);
  const data = nested(RTNETLINK.IFLA_INFO_DATA, attribute(RTNETLINK.VETH_INFO_PEER, peer));
  const pair = newLink(name, nested(RTNETLINK.IFLA_LINKINFO, kind('veth'), data), network.mtu);
  const why = `make ${name}, whose other end is ${device} of the container`;
  host.tell(pair, 'veth', why, { at: -4, word: b.addressOf(target) });
  tellPort(host, network, lease, bridge);
}

/** Puts the host's end on the bridge, and marks it. */
function tellPort(host: Talk, network: NetworkDefinition, lease: Lease, bridge: string): void {
  const name = vethName(lease);
  const master = host.indexOf(bridge);
  host.tell(
    upMessage(
      name,
      attribute(RTNETLINK.IFLA_IFALIAS, cString(vethAlias(lease))),
      attribute(RTNETLINK.IFLA_MASTER, new Uint8Array(4)),
    ),
    'port',
    `put ${name} on ${bridge}, and bring it up`,
    { at: -4, word: master },
  );
  host.tell(portMessage(name, lease, network), 'mode', 'say what goes between ports');
  const { receiveBitsPerSecond } = lease.rate ?? {};
  if (receiveBitsPerSecond !== undefined) tellRate(host, receiveBitsPerSecond, host.indexOf(name), name);
}

/** The bridge's end of a machine's network: a tap that stays, for a program that opens it by its name. */
export function tapPlan(arch: Arch, network: NetworkDefinition, lease: Lease): Plan {
  const b = new PlanBuilder(arch);
  const name = vethName(lease);
  const file = b.word('tap');
  const request = Buffer.alloc(40); // struct ifreq: the name, and flags behind it
  request.write(name);
  request.writeUInt16LE(TUN.IFF_TAP | TUN.IFF_NO_PI | TUN.IFF_VNET_HDR, 16);
  b.step(
    'openat',
    [flags('AT_FDCWD'), b.str('/dev/net/tun'), flags('O_RDWR', 'O_CLOEXEC')],
    'reach the maker of taps',
    {
      result: file,
      hint: 'the kernel has no tun, or this user may not open /dev/net/tun',
    },
  );
  b.step('ioctl', [file, num(TUN.TUNSETIFF, 'TUNSETIFF'), b.data(request, `{${name}}`)], `make the tap ${name}`);
  b.step('ioctl', [file, num(TUN.TUNSETPERSIST, 'TUNSETPERSIST'), 1], 'let it stay without this process');
  b.step('close', [file], 'done with it');
  const host = openTalk(b, 'the network of the host', HINT);
  if (network.mtu !== undefined) host.tell(changed(name, ...mtuOf(network.mtu)), 'mtu', `give ${name} its MTU`);
  tellPort(host, network, lease, bridgeName(network));
  host.end();
  return b.build();
}

/** A second device on the parent's wire, made in the container's network at once. */
function tellPart(b: PlanBuilder, host: Talk, { network, lease, device, target }: End): void {
  const { driver, parent = '' } = network;
  const mode = Buffer.alloc(4);
  mode.writeUInt32LE(driver === 'macvlan' ? RTNETLINK.MACVLAN_MODE_BRIDGE : RTNETLINK.IPVLAN_MODE_L2);
  const [type, bytes] =
    driver === 'macvlan' ? [RTNETLINK.IFLA_MACVLAN_MODE, mode] : [RTNETLINK.IFLA_IPVLAN_MODE, mode.subarray(0, 2)];
  const info = nested(RTNETLINK.IFLA_LINKINFO, kind(driver), nested(RTNETLINK.IFLA_INFO_DATA, attribute(type, bytes)));
  const flagsOfNew = ['NLM_F_REQUEST', 'NLM_F_ACK', 'NLM_F_CREATE', 'NLM_F_EXCL'] as const;
  const end = endOf(network, driver === 'macvlan' ? lease : undefined, device);
  const head = message(RTNETLINK.RTM_NEWLINK, flagsOfNew, linkBody(0), ...end, info, LINK, NAMESPACE);
  const index = host.indexOf(parent);
  const why = `make ${device}, a ${driver} of ${parent}`;
  const at = head.length - LINK.length - NAMESPACE.length;
  // Two words of the message are known only when it is sent: the parent's index, and the descriptor.
  host.say(
    [
      b.data(head.subarray(0, at + 4), driver),
      index,
      b.data(NAMESPACE.subarray(0, 4), 'namespace'),
      b.addressOf(target),
    ],
    [at + 4, 4, 4, 4],
    why,
  );
}

/** struct rtattr and four bytes that are known later. */
const LINK = attribute(RTNETLINK.IFLA_LINK, new Uint8Array(4));
const NAMESPACE = attribute(RTNETLINK.IFLA_NET_NS_FD, new Uint8Array(4));

/** What the container's end has. An ipvlan has the address of its parent. */
function endOf(network: NetworkDefinition, lease: Lease | undefined, device: string): Uint8Array[] {
  const mac = lease ? [attribute(RTNETLINK.IFLA_ADDRESS, macBytes(lease.mac))] : [];
  return [named(device), ...mtuOf(network.mtu), ...mac];
}

function tellDefaultRoutes(inside: Talk, network: NetworkDefinition): void {
  for (const { gateway } of network.subnets) {
    const { family } = parseAddress(gateway);
    const route = message(
      RTNETLINK.RTM_NEWROUTE,
      ['NLM_F_REQUEST', 'NLM_F_ACK', 'NLM_F_CREATE', 'NLM_F_EXCL'],
      defaultRouteBody(SOCKET_FAMILY[family]),
      attribute(RTNETLINK.RTA_GATEWAY, addressBytes(parseAddress(gateway))),
    );
    inside.tell(route, 'route', `everything else goes by ${gateway}`);
  }
}

function tellRate(talk: Talk, bitsPerSecond: number, index: Addr, name: string): void {
  talk.tell(rateMessage(bitsPerSecond), 'rate', `let ${name} send ${bitsPerSecond} bits per second`, {
    at: HEADER_BYTES + INDEX_AT,
    word: index,
  });
}

/** Removes a device of the container, in the container's network. It may be gone. */
export function deleteInsidePlan(arch: Arch, namespace: string, device: string): Plan {
  const b = new PlanBuilder(arch);
  const [target, home] = [b.word('namespace'), b.word('home')];
  const open = (path: string, result: Word, why: string) =>
    b.step('openat', [flags('AT_FDCWD'), b.str(path), flags('O_CLOEXEC')], why, { result });
  open('/proc/self/ns/net', home, 'find the way back');
  open(namespace, target, "find the container's network");
  b.step('setns', [target, flags('CLONE_NEWNET')], 'enter the network of the container', { accept: [0, 0] });
  const inside = openTalk(b, 'the network of the container', HINT);
  const remove = message(RTNETLINK.RTM_DELLINK, ['NLM_F_REQUEST', 'NLM_F_ACK'], linkBody(0), named(device));
  inside.tell(remove, 'link', `remove ${device}`);
  inside.end();
  b.step('setns', [home, flags('CLONE_NEWNET')], 'go back', { accept: [0, 0] });
  b.step('close', [home], 'done with it');
  b.step('close', [target], 'done with it');
  return b.build();
}

/** By its index, which no other link gets as long as this one is there. The other end of a veth pair goes with it. */
export function deleteLinkPlan(arch: Arch, link: { index: number; name: string }): Plan {
  const b = new PlanBuilder(arch);
  const talk = openTalk(b, 'the network of the host', 'the link is gone, or this user may not remove it');
  talk.tell(
    message(RTNETLINK.RTM_DELLINK, ['NLM_F_REQUEST', 'NLM_F_ACK'], linkBody(link.index)),
    'link',
    `remove ${link.name}`,
  );
  talk.end();
  return b.build();
}

/** A kernel without IPv6 has no settings of it. */
function writeSetting(b: PlanBuilder, path: string, value: string, why: string): void {
  const [file, absent] = [b.word('setting'), label('no such setting')];
  b.step('openat', [flags('AT_FDCWD'), b.str(path), flags('O_WRONLY', 'O_CLOEXEC')], 'find a setting', {
    result: file,
    tolerate: ['ENOENT'],
    jump: absent,
  });
  b.step('write', [file, b.str(value), value.length], why, { accept: [value.length, value.length] });
  b.step('close', [file], 'done with it');
  b.place(absent);
}

function newLink(name: string, info: Uint8Array, mtu: number | undefined): Uint8Array {
  const kinds = ['NLM_F_REQUEST', 'NLM_F_ACK', 'NLM_F_CREATE', 'NLM_F_EXCL'] as const;
  return message(RTNETLINK.RTM_NEWLINK, kinds, linkBody(0), named(name), ...mtuOf(mtu), info);
}

/** Brings the link up, and changes what `more` says. */
function upMessage(name: string, ...more: Uint8Array[]): Uint8Array {
  const up = linkBody(0, ABI.IFF_UP, ABI.IFF_UP);
  return message(RTNETLINK.RTM_SETLINK, ['NLM_F_REQUEST', 'NLM_F_ACK'], up, named(name), ...more);
}

function changed(name: string, ...what: Uint8Array[]): Uint8Array {
  return message(RTNETLINK.RTM_SETLINK, ['NLM_F_REQUEST', 'NLM_F_ACK'], linkBody(0), named(name), ...what);
}

/** Hairpin, so that a container reaches itself by a port that it publishes, also where bridged packets are translated. */
function portMessage(name: string, lease: Lease, network: NetworkDefinition): Uint8Array {
  const yes = (flag: boolean) => Uint8Array.of(flag ? 1 : 0);
  const settings = nested(
    RTNETLINK.IFLA_INFO_SLAVE_DATA,
    attribute(RTNETLINK.IFLA_BRPORT_MODE, yes(lease.ports.length > 0)),
    attribute(RTNETLINK.IFLA_BRPORT_ISOLATED, yes(network.isolated)),
  );
  const slave = attribute(RTNETLINK.IFLA_INFO_SLAVE_KIND, cString('bridge'));
  const info = nested(RTNETLINK.IFLA_LINKINFO, slave, settings);
  return message(RTNETLINK.RTM_NEWLINK, ['NLM_F_REQUEST', 'NLM_F_ACK'], linkBody(0), named(name), info);
}

/** Nobody else can have it, so IPv6 need not ask around first (RFC 4862, duplicate address detection). */
function tellAddress(
  talk: Talk,
  text: string,
  prefix: number,
  index: Parameters<Talk['say']>[0][number],
  name: string,
) {
  const address = parseAddress(text);
  const bytes = addressBytes(address);
  const bits = address.family === 6 ? RTNETLINK.IFA_F_NODAD : 0;
  const rest = (1n << BigInt(BITS[address.family] - prefix)) - 1n;
  const everybody = addressBytes({ family: address.family, value: address.value | rest });
  const give = message(
    RTNETLINK.RTM_NEWADDR,
    ['NLM_F_REQUEST', 'NLM_F_ACK', 'NLM_F_CREATE', 'NLM_F_EXCL'],
    addressBody({
      ...{ family: SOCKET_FAMILY[address.family], prefix, flags: bits, index: 0 },
      scope: RTNETLINK.RT_SCOPE_UNIVERSE,
    }),
    attribute(RTNETLINK.IFA_LOCAL, bytes),
    attribute(RTNETLINK.IFA_ADDRESS, bytes),
    ...(address.family === 4 ? [attribute(RTNETLINK.IFA_BROADCAST, everybody)] : []),
  );
  talk.tell(give, 'address', `give ${name} the address ${text}/${prefix}`, {
    at: HEADER_BYTES + INDEX_AT,
    word: index,
  });
}

const named = (name: string) => attribute(RTNETLINK.IFLA_IFNAME, cString(name));
const kind = (name: string) => attribute(RTNETLINK.IFLA_INFO_KIND, cString(name));
const macBytes = (mac: string) => Uint8Array.from(mac.split(':'), (byte) => Number.parseInt(byte, 16));

function mtuOf(mtu: number | undefined): Uint8Array[] {
  if (mtu === undefined) return [];
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(mtu);
  return [attribute(RTNETLINK.IFLA_MTU, bytes)];
}
