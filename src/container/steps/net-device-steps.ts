/**
 * Moves network devices of the host into a container as steps: rtnetlink(7) messages, each acknowledged by the kernel with an
 * errno that must be 0 (config-linux.md, "Network Devices"). Pure.
 */
import { ABI } from '../../sys/abi.js';
import {
  addressBody,
  attribute,
  cString,
  HEADER_BYTES,
  INDEX_AT,
  linkBody,
  message,
  RTNETLINK,
} from '../../sys/netlink.js';
import { cut, openTalk } from '../../sys/netlink-steps.js';
import type { PlanBuilder, Word } from '../../sys/plan.js';
import type { Namespaces } from '../config/namespaces.js';
import { configError } from '../config/parse-config.js';
import type { OciConfig } from '../config/schema.js';
import { type HostDevice, isDeviceName } from '../net-devices.js';

export interface NetDeviceSteps {
  /**
   * In the parent, while the child waits: the devices go into its network namespace under their new names. `target`: who is in
   * it, or a descriptor of it, since a child joins one only later.
   */
  move(target: { pid: Word } | { fd: Word }): void;
  /** In the child, after that: they get back their addresses and come up. */
  configure(): void;
}

/**
 * `known`: what the host's devices are (readNetDevices). Errors: `input` with the JSON path; RangeError for a device that
 * was not asked about.
 */
export function netDeviceSteps(
  b: PlanBuilder,
  netDevices: OciConfig['linux']['netDevices'],
  namespaces: Namespaces,
  known: Readonly<Record<string, HostDevice>>,
): NetDeviceSteps | undefined {
  const devices = Object.entries(netDevices ?? {}).map(([hostName, { name = hostName }]) => {
    const from = `linux.netDevices.${hostName}`;
    const device = known[hostName];
    if (!namespaces.apart('network')) throw configError(from, 'needs a network namespace in linux.namespaces');
    if (!isDeviceName(name)) throw configError(`${from}.name`, `is no name of a network device: ${name}`);
    if (!device) throw new RangeError(`nobody asked what ${hostName} is`);
    return { ...device, hostName, name, from };
  });
  if (devices.length === 0) return undefined;
  devices.forEach(({ name, from }, index) => {
    if (devices.findIndex((other) => other.name === name) < index) {
      throw configError(`${from}.name`, `is taken by another device: ${name}`);
    }
  });
  return {
    move(target) {
      const [kind, word] =
        'fd' in target ? [RTNETLINK.IFLA_NET_NS_FD, target.fd] : [RTNETLINK.IFLA_NET_NS_PID, target.pid];
      const talk = openTalk(b, 'the network that the devices are in');
      for (const { index, hostName, name, from } of devices) {
        const [head, tail] = cut(
          message(
            RTNETLINK.RTM_SETLINK,
            ['NLM_F_REQUEST', 'NLM_F_ACK'],
            linkBody(index),
            attribute(RTNETLINK.IFLA_IFNAME, cString(name)),
            attribute(kind, new Uint8Array(4)),
          ),
          -4,
        );
        const parts = [b.data(head, `move ${hostName}`), b.addressOf(word)];
        talk.say(parts, [head.length, tail.length], `move ${hostName} to the container as ${name}`, from);
      }
      talk.end();
    },
    configure() {
      const talk = openTalk(b, "the container's network");
      for (const { addresses, name, from } of devices) {
        // It may have got another index: its name tells.
        const index = talk.indexOf(name, from);
        const withIndex = (bytes: Uint8Array, text: string, why: string) => {
          const [head, rest] = cut(bytes, HEADER_BYTES + INDEX_AT);
          const [, tail] = cut(rest, 4);
          const parts = [b.data(head, text), index, b.data(tail, 'rest')];
          talk.say(parts, [head.length, 4, tail.length], why, from);
        };
        for (const { family, prefix, flags: bits, attributes } of addresses) {
          const all = Buffer.alloc(4);
          all.writeUInt32LE(bits);
          const bytes = message(
            RTNETLINK.RTM_NEWADDR,
            ['NLM_F_REQUEST', 'NLM_F_ACK', 'NLM_F_CREATE', 'NLM_F_EXCL'],
            addressBody({ family, prefix, flags: bits, scope: RTNETLINK.RT_SCOPE_UNIVERSE, index: 0 }),
            ...attributes.map(({ type, value }) => attribute(type, value)),
            attribute(RTNETLINK.IFA_FLAGS, all),
          );
          withIndex(bytes, 'address', `give ${name} its address back`);
        }
        const up = linkBody(0, ABI.IFF_UP, ABI.IFF_UP);
        withIndex(message(RTNETLINK.RTM_SETLINK, ['NLM_F_REQUEST', 'NLM_F_ACK'], up), 'up', `bring ${name} up`);
      }
      talk.end();
    },
  };
}
