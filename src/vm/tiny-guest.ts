/**
 * The smallest guest of a PC: 16 bytes at the reset vector. It shows that an accelerator can run an instruction at all,
 * in some milliseconds, without a kernel.
 */
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../base/errors.js';
import { runDir } from '../base/paths.js';
import { own } from '../sys/owners.js';
import type { Accelerator } from './spec.js';
import { startQemu } from './start-qemu.js';

/** What it writes. */
export const TINY_WORD = 'K';
const FIRMWARE_BYTES = 64 << 10;
const RESET_VECTOR = FIRMWARE_BYTES - 16;
/** I/O ports of -debugcon and of isa-debug-exit. */
const DEBUG_PORT = 0xe9;
const EXIT_PORT = 0xf4;

/**
 * Firmware as QEMU maps it below 4 GiB: an x86 processor starts at its last 16 bytes (Intel SDM 3A, 10.1.4). Pure.
 *   mov al,'K' · out 0xE9,al · mov al,0 · out 0xF4,al · hlt
 */
export function tinyFirmware(): Buffer {
  const firmware = Buffer.alloc(FIRMWARE_BYTES);
  const code = [0xb0, TINY_WORD.charCodeAt(0), 0xe6, DEBUG_PORT, 0xb0, 0, 0xe6, EXIT_PORT, 0xf4];
  Buffer.from(code).copy(firmware, RESET_VECTOR);
  return firmware;
}

/** isa-debug-exit ends QEMU with (value << 1) | 1. */
const EXIT_CODE = 1;

export function tinyArgv(firmware: string, accelerator: Accelerator): string[] {
  return [
    ...['-no-user-config', '-nodefaults', '-display', 'none', '-no-reboot'],
    ...['-machine', 'q35', '-accel', accelerator, '-m', '16M', '-bios', firmware],
    ...['-chardev', 'stdio,id=out,signal=off', '-device', `isa-debugcon,iobase=${DEBUG_PORT},chardev=out`],
    ...['-device', `isa-debug-exit,iobase=${EXIT_PORT},iosize=1`],
  ];
}

/** Runs it. Undefined: it ran. Otherwise why it did not, in a phrase. */
export async function runTinyGuest(
  qemu: string,
  accelerator: Accelerator,
  deadlineMs: number,
): Promise<string | undefined> {
  const id = `tiny-${randomUUID()}`;
  const firmware = join(runDir(), `${id}.bin`);
  await using _ownership = own(id, { cgroups: [], paths: [firmware] });
  try {
    await writeFile(firmware, tinyFirmware());
  } catch (error) {
    return `cannot write ${firmware}: ${messageOf(error)}`;
  }
  const { child, planFailure } = await startQemu(qemu, tinyArgv(firmware, accelerator), {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    buffer: { fd3: false },
    timeout: deadlineMs,
    killSignal: 'SIGKILL',
    maxBuffer: 65536,
  });
  const ran = await child;
  if (ran.exitCode === EXIT_CODE && ran.stdout === TINY_WORD) return undefined;
  if (ran.timedOut) return `a guest of 9 bytes did not run within ${deadlineMs / 1000} s`;
  const said = (await planFailure)?.message ?? ran.stderr.trim().split('\n').at(-1);
  return said || `a guest of 9 bytes said ${JSON.stringify(ran.stdout.slice(0, 20))} and ended with ${ran.exitCode}`;
}
