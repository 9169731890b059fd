/** What limits how fast a link sends: the queueing discipline tbf, as a message of rtnetlink(7). Pure. */
import { VlabError } from '../base/errors.js';
import { attribute, cString, message, nested, RTNETLINK, rootQueueBody } from '../sys/netlink.js';

/** struct tc_tbf_qopt (linux/pkt_sched.h): two struct tc_ratespec, of 12 bytes, then limit, buffer and mtu. */
const PARAMETERS_BYTES = 36;
const [LINKLAYER_AT, RATE_AT, LIMIT_AT] = [1, 8, 24];
/** What may wait, in time: longer queues only make answers late. */
const QUEUE_MS = 50;
/** A packet that leaves a program may have 64 KiB, which is cut only later. */
const LEAST_BURST_BYTES = 64 << 10;

/** tc-tbf(8). The index of the link is left 0. */
export function rateMessage(bitsPerSecond: number): Uint8Array {
  const bytesPerSecond = bitsPerSecond / 8;
  const burst = Math.max(LEAST_BURST_BYTES, Math.ceil(bytesPerSecond / 100));
  const parameters = Buffer.alloc(PARAMETERS_BYTES);
  parameters.writeUInt8(RTNETLINK.TC_LINKLAYER_ETHERNET, LINKLAYER_AT);
  parameters.writeUInt32LE(Math.min(Math.round(bytesPerSecond), 0xffffffff), RATE_AT);
  parameters.writeUInt32LE(Math.min(Math.ceil(burst + (bytesPerSecond * QUEUE_MS) / 1000), 0xffffffff), LIMIT_AT);
  const rate = Buffer.alloc(8);
  rate.writeBigUInt64LE(BigInt(Math.round(bytesPerSecond)));
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(burst);
  return message(
    RTNETLINK.RTM_NEWQDISC,
    ['NLM_F_REQUEST', 'NLM_F_ACK', 'NLM_F_CREATE', 'NLM_F_EXCL'],
    rootQueueBody(0),
    attribute(RTNETLINK.TCA_KIND, cString('tbf')),
    nested(
      RTNETLINK.TCA_OPTIONS,
      attribute(RTNETLINK.TCA_TBF_PARMS, parameters),
      attribute(RTNETLINK.TCA_TBF_BURST, bytes),
      ...(bytesPerSecond > 0xffffffff ? [attribute(RTNETLINK.TCA_TBF_RATE64, rate)] : []),
    ),
  );
}

const UNITS: Record<string, number> = { '': 1, k: 1e3, m: 1e6, g: 1e9 };

/** `10mbit`, `500kbit` as tc(8) writes rates of bits. Error (`input`): it is none, or less than 8 kbit. */
export function parseRate(text: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)([kmg]?)bit$/i.exec(text) ?? [];
  const bits = Number(digits) * (UNITS[unit.toLowerCase()] ?? 0);
  if (digits !== '' && bits >= 8000) return Math.round(bits);
  throw new VlabError('input', `${JSON.stringify(text)} is no rate`, {
    hint: 'write it as 10mbit; 8kbit is the least',
  });
}
