/** Unix sockets as steps: a connection by path, and a message with a descriptor (unix(7), cmsg(3)). Pure. */
import { ABI, flags } from './abi.js';
import type { Addr, PlanBuilder, StepOptions, Word } from './plan.js';

/** sockaddr_un, without the family before it. */
export const SUN_PATH_BYTES = 108;

/** Connects to the socket at `path`, which has fewer than SUN_PATH_BYTES bytes. `to`: who listens there. */
export function connectUnix(b: PlanBuilder, path: string, to: string, options: StepOptions = {}): Word {
  const bytes = Buffer.from(path);
  if (bytes.length >= SUN_PATH_BYTES) throw new RangeError(`the path of a socket is too long: ${path}`);
  const socket = b.word('socket');
  const address = b.space(2 + SUN_PATH_BYTES, `{${path}}`);
  b.put(address.offset, ABI.AF_UNIX, 32);
  b.fill(address.offset + 2, bytes);
  b.step('socket', [flags('AF_UNIX'), flags('SOCK_STREAM', 'SOCK_CLOEXEC'), 0], `a way to ${to}`, { result: socket });
  b.step('connect', [socket, address, 2 + SUN_PATH_BYTES], `connect to ${path}`, options);
  return socket;
}

/** sizeof(struct msghdr), and CMSG_LEN and CMSG_SPACE of one descriptor. */
const MSGHDR_BYTES = 56;
const CMSG_LEN = 20;
const CMSG_SPACE = 24;

/** struct msghdr with `bytes` at `text` and room for one descriptor, which is the returned word of its control message. */
export function descriptorMessage(
  b: PlanBuilder,
  { text, bytes, shown }: { text: Addr; bytes: number; shown: string },
): { message: Addr; descriptor: Word } {
  const iovec = b.space(16, 'iovec');
  b.point(iovec.offset, text);
  b.put(iovec.offset + 8, bytes, 64);
  const control = b.space(CMSG_SPACE, 'cmsg');
  b.put(control.offset, CMSG_LEN, 64);
  b.put(control.offset + 8, ABI.SOL_SOCKET, 32);
  b.put(control.offset + 12, ABI.SCM_RIGHTS, 32);
  const message = b.space(MSGHDR_BYTES, shown);
  b.point(message.offset + 16, iovec);
  b.put(message.offset + 24, 1, 64);
  b.point(message.offset + 32, control);
  b.put(message.offset + 40, CMSG_SPACE, 64);
  return { message, descriptor: { kind: 'w64', offset: control.offset + 16, text: 'descriptor' } };
}
