/**
 * rtnetlink(7) as steps of a plan: each message is acknowledged by the kernel with an errno that must be 0. Pure.
 */
import { flags } from './abi.js';
import { ACK_BYTES, cString, ERROR_AT } from './netlink.js';
import type { Addr, PlanBuilder } from './plan.js';

/** struct ifreq: the name, and behind it a union. */
const IFREQ_INDEX_AT = 16;

export const cut = (bytes: Uint8Array, at: number) => [bytes.subarray(0, at), bytes.subarray(at)] as const;

const DEVICE_HINT =
  'the kernel refused it: the device cannot leave its namespace, or the name or address is taken there';

/**
 * A socket of the network namespace that the process is in; `say` sends a message in parts and reads its acknowledgement.
 * `from`: what of a configuration asks for it. `hint`: what a refusal means.
 */
export function openTalk(b: PlanBuilder, to: string, hint = DEVICE_HINT) {
  const socket = b.word('netlink');
  const answer = b.space(512, 'answer');
  const zero = b.data(new Uint8Array(16), '{0 s}');
  const kind = flags('SOCK_RAW', 'SOCK_CLOEXEC');
  b.step('socket', [flags('AF_NETLINK'), kind, flags('NETLINK_ROUTE')], `reach ${to}`, { result: socket });
  const say = (parts: readonly Addr[], lengths: readonly number[], why: string, from?: string) => {
    const iovec = b.space(parts.length * 16, 'iovec');
    parts.forEach((part, index) => {
      b.point(iovec.offset + index * 16, part);
      b.put(iovec.offset + index * 16 + 8, lengths[index] ?? 0, 64);
    });
    const whole = b.space(56, `{${parts.map(({ text }) => text).join(', ')}}`);
    b.point(whole.offset + 16, iovec);
    b.put(whole.offset + 24, parts.length, 64);
    b.step('sendmsg', [socket, whole, 0], why, { from });
    b.step('recvfrom', [socket, answer, 512, 0, 0, 0], 'which the kernel answers', {
      accept: [ACK_BYTES, 512],
      retryOnEintr: true,
      from,
    });
    const errno = b.field(answer, ERROR_AT, 'w32', 'errno');
    // Of no descriptors ppoll(2) tells nothing; of so many as a negative errno means it refuses to (EINVAL).
    b.step('ppoll', [0, errno, zero, 0, 8], 'with errno 0', { accept: [0, 0], from, hint });
  };
  return {
    say,
    /** A message that is known; the four bytes at `at` (from the end, when negative) are what `word` holds by then. */
    tell(bytes: Uint8Array, text: string, why: string, patch?: { at: number; word: Addr }) {
      if (!patch) return say([b.data(bytes, text)], [bytes.length], why);
      const [head, rest] = cut(bytes, patch.at < 0 ? bytes.length + patch.at : patch.at);
      const [, tail] = cut(rest, 4);
      const parts = [b.data(head, text), patch.word, ...(tail.length > 0 ? [b.data(tail, 'rest')] : [])];
      say(parts, [head.length, 4, tail.length], why);
    },
    /** Where the index of the device of that name is, once the step has run: four bytes. */
    indexOf(name: string, from?: string): Addr {
      const ifreq = b.data(Buffer.concat([cString(name)], 40), `{${name}}`);
      b.step('ioctl', [socket, flags('SIOCGIFINDEX'), ifreq], `find ${name}`, { from });
      return { ...ifreq, offset: ifreq.offset + IFREQ_INDEX_AT, text: 'index' };
    },
    end: () => b.step('close', [socket], 'done with it'),
  };
}
