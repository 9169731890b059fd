/**
 * Network devices of the host that a container shall have (config-linux.md, "Network Devices"): what they are is asked
 * before the container's plan is made, since a device that moves to another namespace loses its addresses.
 */
import { errnoName, flags } from '../sys/abi.js';
import type { Performed } from '../sys/channel.js';
import { words32 } from '../sys/encode.js';
import {
  addressBody,
  attribute,
  attributesIn,
  cString,
  linkBody,
  message,
  messagesIn,
  RTNETLINK,
} from '../sys/netlink.js';
import { label, type Plan, PlanBuilder } from '../sys/plan.js';
import { configError } from './config/parse-config.js';
import type { OciConfig } from './config/schema.js';

export interface HostDevice {
  index: number;
  addresses: DeviceAddress[];
}

export interface DeviceAddress {
  family: number;
  prefix: number;
  flags: number;
  /** IFA_LOCAL, IFA_ADDRESS and IFA_BROADCAST, as they are. */
  attributes: { type: number; value: Buffer }[];
}

const RECEIVES = 7;
const RECEIVE_BYTES = 8192;
const ADDRESS_ATTRIBUTES = [RTNETLINK.IFA_LOCAL, RTNETLINK.IFA_ADDRESS, RTNETLINK.IFA_BROADCAST];

/**
 * Asks the kernel about each device. `perform` runs a plan in the runtime's network namespace.
 * Errors: `input` with the JSON path for a device that is not there.
 */
export async function readNetDevices(
  netDevices: OciConfig['linux']['netDevices'],
  arch: PlanBuilder['arch'],
  perform: (plan: Plan) => Promise<Performed>,
): Promise<Record<string, HostDevice>> {
  const devices: Record<string, HostDevice> = {};
  for (const name of Object.keys(netDevices ?? {})) {
    const path = `linux.netDevices.${name}`;
    if (!isDeviceName(name)) throw configError(path, 'is no name of a network device');
    const link = await ask(perform, arch, [
      message(RTNETLINK.RTM_GETLINK, ['NLM_F_REQUEST'], linkBody(0), attribute(RTNETLINK.IFLA_IFNAME, cString(name))),
    ]);
    const found = link.find(({ type }) => type === RTNETLINK.RTM_NEWLINK);
    if (!found) {
      const error = link.find(({ type }) => type === RTNETLINK.NLMSG_ERROR)?.body.readInt32LE(0) ?? 0;
      throw configError(path, `is no device here: ${errnoName(-error)}`, { blame: 'host' });
    }
    const index = found.body.readInt32LE(4);
    const none = { family: 0, prefix: 0, flags: 0, scope: 0 };
    const answers = await ask(perform, arch, [
      message(RTNETLINK.RTM_GETADDR, ['NLM_F_REQUEST', 'NLM_F_DUMP'], addressBody({ ...none, index })),
    ]);
    if (!answers.some(({ type }) => type === RTNETLINK.NLMSG_DONE)) {
      throw configError(path, 'has more addresses than vlab carries along', { blame: 'host' });
    }
    devices[name] = { index, addresses: answers.flatMap(({ type, body }) => addressIn(type, body, index)) };
  }
  return devices;
}

/** As the kernel takes it (dev_valid_name). */
export function isDeviceName(name: string): boolean {
  return name.length > 0 && Buffer.byteLength(name) < 16 && !['.', '..', 'lo'].includes(name) && !/[\s/:]/.test(name);
}

/** Only what somebody gave it for good, and what holds beyond its link: the rest comes by itself. */
function addressIn(type: number, body: Buffer, index: number): DeviceAddress[] {
  if (type !== RTNETLINK.RTM_NEWADDR || body.readUInt32LE(4) !== index) return [];
  const attributes = attributesIn(body, 8);
  const all = attributes.get(RTNETLINK.IFA_FLAGS)?.readUInt32LE(0) ?? body.readUInt8(2);
  if (body.readUInt8(3) !== RTNETLINK.RT_SCOPE_UNIVERSE || !(all & RTNETLINK.IFA_F_PERMANENT)) return [];
  // What the kernel found out about it is not ours to say.
  const { IFA_F_TENTATIVE, IFA_F_SECONDARY, IFA_F_PERMANENT } = RTNETLINK;
  return [
    {
      family: body.readUInt8(0),
      prefix: body.readUInt8(1),
      flags: all & ~(IFA_F_TENTATIVE | IFA_F_SECONDARY | IFA_F_PERMANENT),
      attributes: ADDRESS_ATTRIBUTES.flatMap((kind) => {
        const value = attributes.get(kind);
        return value ? [{ type: kind, value: Buffer.from(value) }] : [];
      }),
    },
  ];
}

/** A plan that asks and takes what comes, up to a bound; its reply is the lengths and then the bytes. */
async function ask(perform: (plan: Plan) => Promise<Performed>, arch: PlanBuilder['arch'], questions: Uint8Array[]) {
  const b = new PlanBuilder(arch);
  const region = b.space(RECEIVES * (8 + RECEIVE_BYTES), 'answers');
  const [socket, end] = [b.word('socket'), label('that was all')];
  b.step(
    'socket',
    [flags('AF_NETLINK'), flags('SOCK_RAW', 'SOCK_CLOEXEC'), flags('NETLINK_ROUTE')],
    'reach the kernel',
    {
      result: socket,
    },
  );
  const one = b.data(words32(1), '{1}');
  const option = flags('NETLINK_GET_STRICT_CHK');
  b.step('setsockopt', [socket, flags('SOL_NETLINK'), option, one, 4], 'ask about one device, not about all');
  for (const question of questions) {
    b.step('sendto', [socket, b.data(question, 'question'), question.length, 0, 0, 0], 'ask');
  }
  for (let at = 0; at < RECEIVES; at++) {
    const bytes = b.field(region, at * 8, 'w64', 'bytes');
    const buffer = { ...region, offset: region.offset + RECEIVES * 8 + at * RECEIVE_BYTES, text: 'answer' };
    b.step('recvfrom', [socket, buffer, RECEIVE_BYTES, flags('MSG_DONTWAIT'), 0, 0], 'take an answer', {
      result: bytes,
      tolerate: ['EAGAIN'],
      jump: end,
    });
  }
  b.place(end);
  b.reply(region, RECEIVES * (8 + RECEIVE_BYTES));
  const { reply, failure } = await perform(b.build());
  if (failure) throw failure;
  return Array.from({ length: RECEIVES }, (_, at) => {
    const bytes = Math.max(0, Number(reply.readBigInt64LE(at * 8)));
    const from = RECEIVES * 8 + at * RECEIVE_BYTES;
    return [...messagesIn(reply.subarray(from, from + bytes))];
  }).flat();
}
