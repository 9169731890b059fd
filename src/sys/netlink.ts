/** Messages of rtnetlink(7), and of nftables where it is only asked, as bytes. Pure. A test compares the numbers with the kernel's headers. */

export const RTNETLINK = {
  NLMSG_ERROR: 2,
  NLMSG_DONE: 3,
  NLM_F_REQUEST: 1,
  NLM_F_ACK: 4,
  NLM_F_DUMP: 0x300,
  NLM_F_EXCL: 0x200,
  NLM_F_CREATE: 0x400,
  RTM_NEWLINK: 16,
  RTM_DELLINK: 17,
  RTM_GETLINK: 18,
  RTM_SETLINK: 19,
  RTM_NEWADDR: 20,
  RTM_GETADDR: 22,
  RTM_NEWROUTE: 24,
  RTM_NEWQDISC: 36,
  IFLA_ADDRESS: 1,
  IFLA_IFNAME: 3,
  IFLA_MTU: 4,
  IFLA_LINK: 5,
  IFLA_MASTER: 10,
  IFLA_LINKINFO: 18,
  IFLA_NET_NS_PID: 19,
  IFLA_IFALIAS: 20,
  IFLA_STATS64: 23,
  IFLA_NET_NS_FD: 28,
  IFLA_EXT_MASK: 29,
  RTEXT_FILTER_SKIP_STATS: 8,
  IFLA_INFO_KIND: 1,
  IFLA_INFO_DATA: 2,
  IFLA_INFO_SLAVE_KIND: 4,
  IFLA_INFO_SLAVE_DATA: 5,
  IFLA_BRPORT_MODE: 4,
  IFLA_BRPORT_ISOLATED: 33,
  VETH_INFO_PEER: 1,
  IFLA_MACVLAN_MODE: 1,
  MACVLAN_MODE_BRIDGE: 4,
  IFLA_IPVLAN_MODE: 1,
  IPVLAN_MODE_L2: 0,
  IFA_ADDRESS: 1,
  IFA_LOCAL: 2,
  IFA_BROADCAST: 4,
  IFA_FLAGS: 8,
  IFA_F_PERMANENT: 0x80,
  IFA_F_TENTATIVE: 0x40,
  IFA_F_SECONDARY: 0x01,
  IFA_F_NODAD: 0x02,
  RT_SCOPE_UNIVERSE: 0,
  RT_TABLE_MAIN: 254,
  RTPROT_STATIC: 4,
  RTN_UNICAST: 1,
  RTA_GATEWAY: 5,
  TC_H_ROOT: 0xffffffff,
  TC_LINKLAYER_ETHERNET: 1,
  TCA_KIND: 1,
  TCA_OPTIONS: 2,
  TCA_TBF_PARMS: 1,
  TCA_TBF_RATE64: 4,
  TCA_TBF_BURST: 6,
  NFNL_SUBSYS_NFTABLES: 10,
  NFT_MSG_NEWTABLE: 0,
  NFT_MSG_GETTABLE: 1,
  NFPROTO_INET: 1,
  NFTA_TABLE_NAME: 1,
  NFTA_TABLE_HANDLE: 4,
} as const;

/** struct nlmsghdr: length, type, flags, sequence, port. */
export const HEADER_BYTES = 16;
/** struct ifinfomsg and struct ifaddrmsg: where the device's index is. */
export const INDEX_AT = 4;
/** struct nlmsgerr: the errno, negative, or 0 for an acknowledgement. */
export const ERROR_AT = HEADER_BYTES;
export const ACK_BYTES = 36;

type Flag = { [Name in keyof typeof RTNETLINK]: Name extends `NLM_F_${string}` ? Name : never }[keyof typeof RTNETLINK];

/** A message of that type with the fixed part `body` and attributes behind it. */
export function message(
  type: number,
  flags: readonly Flag[],
  body: Uint8Array,
  ...attributes: Uint8Array[]
): Uint8Array {
  const bytes = HEADER_BYTES + body.length + attributes.reduce((sum, one) => sum + one.length, 0);
  const buffer = Buffer.alloc(bytes);
  buffer.writeUInt32LE(bytes, 0);
  buffer.writeUInt16LE(type, 4);
  buffer.writeUInt16LE(
    flags.reduce((sum, flag) => sum | RTNETLINK[flag], 0),
    6,
  );
  let at = HEADER_BYTES;
  for (const part of [body, ...attributes]) {
    buffer.set(part, at);
    at += part.length;
  }
  return buffer;
}

/** struct rtattr and its value, padded to four bytes. */
export function attribute(type: number, value: Uint8Array): Uint8Array {
  const buffer = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  buffer.writeUInt16LE(4 + value.length, 0);
  buffer.writeUInt16LE(type, 2);
  buffer.set(value, 4);
  return buffer;
}

/** struct ifinfomsg. */
export function linkBody(index: number, flags = 0, change = 0): Uint8Array {
  const body = Buffer.alloc(16);
  body.writeInt32LE(index, INDEX_AT);
  body.writeUInt32LE(flags, 8);
  body.writeUInt32LE(change, 12);
  return body;
}

/** struct ifaddrmsg. Only the low byte of the flags has room here; IFA_FLAGS has them all. */
export function addressBody(address: { family: number; prefix: number; flags: number; scope: number; index: number }) {
  const body = Buffer.alloc(8);
  body.set([address.family, address.prefix, address.flags & 0xff, address.scope]);
  body.writeUInt32LE(address.index, INDEX_AT);
  return body;
}

/** struct rtmsg of a default route in the main table. */
export function defaultRouteBody(family: number): Uint8Array {
  const { RT_TABLE_MAIN, RTPROT_STATIC, RT_SCOPE_UNIVERSE, RTN_UNICAST } = RTNETLINK;
  return Buffer.from([family, 0, 0, 0, RT_TABLE_MAIN, RTPROT_STATIC, RT_SCOPE_UNIVERSE, RTN_UNICAST, 0, 0, 0, 0]);
}

/** struct tcmsg of a queueing discipline at the root of the device. */
export function rootQueueBody(index: number): Uint8Array {
  const body = Buffer.alloc(20);
  body.writeInt32LE(index, INDEX_AT);
  body.writeUInt32LE(RTNETLINK.TC_H_ROOT, 12);
  return body;
}

/** An attribute that holds attributes. */
export function nested(type: number, ...inner: Uint8Array[]): Uint8Array {
  return attribute(type, Buffer.concat(inner));
}

export function cString(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}

export interface NetlinkMessage {
  type: number;
  /** What follows the header. */
  body: Buffer;
}

/** The messages in what one call received. */
export function* messagesIn(received: Buffer): Generator<NetlinkMessage> {
  for (let at = 0; at + HEADER_BYTES <= received.length; ) {
    const bytes = received.readUInt32LE(at);
    if (bytes < HEADER_BYTES || at + bytes > received.length) return;
    yield { type: received.readUInt16LE(at + 4), body: received.subarray(at + HEADER_BYTES, at + bytes) };
    at += Math.ceil(bytes / 4) * 4;
  }
}

/** Attributes by type, behind a fixed part of `from` bytes. */
export function attributesIn(body: Buffer, from: number): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = from; at + 4 <= body.length; ) {
    const bytes = body.readUInt16LE(at);
    if (bytes < 4 || at + bytes > body.length) break;
    found.set(body.readUInt16LE(at + 2) & 0x3fff, body.subarray(at + 4, at + bytes)); // above: NLA_F_NESTED and the like
    at += Math.ceil(bytes / 4) * 4;
  }
  return found;
}
