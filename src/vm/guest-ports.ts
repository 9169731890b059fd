/**
 * The virtio-serial ports between a guest and its host, and what travels on them. docs/vm-boot.md, "Marks".
 *
 * The marks port carries single bytes and then one record, nothing else; a host process that can only read a pipe can
 * follow it: one byte, one byte, EXIT_RECORD_BYTES.
 */
import type { Port } from './spec.js';

/**
 * The kernel makes the ports in order, and each is of use only a moment after its node has appeared (add_port in
 * drivers/char/virtio_console.c). So the last one is a fence that nobody opens: when its node exists, the others work.
 */
export const GUEST_PORTS = {
  stdin: { number: 1, name: 'vlab.stdin' },
  stdout: { number: 2, name: 'vlab.stdout' },
  stderr: { number: 3, name: 'vlab.stderr' },
  signals: { number: 4, name: 'vlab.signals' },
  marks: { number: 5, name: 'vlab.marks' },
  drained: { number: 6, name: 'vlab.drained' },
  fence: { number: 7, name: 'vlab.fence' },
} as const satisfies Record<string, Omit<Port, 'channel'>>;
export type GuestPortName = keyof typeof GUEST_PORTS;

export function portDevice(name: GuestPortName): string {
  return `vport0p${GUEST_PORTS[name].number}`;
}

/** The guest's first process has its channel to the host. */
export const MARK_UP = 'U';
/** The program is about to be executed. */
export const MARK_EXEC = 'X';

/**
 * After the marks: how the program ended. Little-endian.
 *   0  siginfo_t of waitid(2), its first 32 bytes: si_signo, si_errno, si_code, -, si_pid, si_uid, si_status, -
 *  32  result of execve, 0 when it succeeded, else minus the errno
 *  40  RECORD_MAGIC
 */
export const EXIT_RECORD_BYTES = 48;
export const EXEC_RESULT_AT = 32;
export const MAGIC_AT = 40;
export const RECORD_MAGIC = 0x3152_5844_4e45n; // "ENDXR1"

/** What the guest's program came to. */
export type GuestEnd =
  | { kind: 'exited'; code: number }
  | { kind: 'killed'; signal: number }
  /** It never ran; errno of execve. */
  | { kind: 'not-run'; errno: number };

/** Undefined: these bytes are no exit record. */
export function readExitRecord(record: Buffer): GuestEnd | undefined {
  if (record.length !== EXIT_RECORD_BYTES || record.readBigUInt64LE(MAGIC_AT) !== RECORD_MAGIC) return undefined;
  const exec = Number(record.readBigInt64LE(EXEC_RESULT_AT));
  if (exec < 0) return { kind: 'not-run', errno: -exec };
  const CLD_EXITED = 1;
  const status = record.readInt32LE(24);
  return record.readInt32LE(8) === CLD_EXITED ? { kind: 'exited', code: status } : { kind: 'killed', signal: status };
}

/** Signals travel as 32-bit numbers, little-endian, one after the other. */
export function signalMessage(signal: number): Buffer {
  const message = Buffer.alloc(4);
  message.writeInt32LE(signal);
  return message;
}
