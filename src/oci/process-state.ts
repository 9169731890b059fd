/** The container process state that a seccomp agent gets (config-linux.md, "The Container Process State"). Pure. */
import type { OciConfig } from '../container/config/schema.js';
import { notifies } from '../container/seccomp/profile.js';
import type { OciState } from './state.js';

/** As many digits as a pid has at most (proc(5), pid_max). */
const LONGEST_PID = 4194304;

/**
 * How many bytes the text will have; undefined when nobody is asked about system calls. The pid is known only when the plan
 * runs, and JSON may end in spaces.
 */
export function processStateBytes(config: OciConfig, state: OciState): number | undefined {
  const { seccomp } = config.linux;
  if (!seccomp || !notifies(seccomp)) return undefined;
  return Buffer.byteLength(textOf(config, { ...state, pid: LONGEST_PID }, LONGEST_PID));
}

/** `pid`: of the process that asks. */
export function processState(config: OciConfig, state: OciState, pid: number, bytes: number): Buffer {
  const text = Buffer.from(textOf(config, state, pid));
  return Buffer.concat([text, Buffer.alloc(bytes - text.length, ' ')]);
}

function textOf({ ociVersion, linux }: OciConfig, state: OciState, pid: number): string {
  const metadata = linux.seccomp?.listenerMetadata;
  return JSON.stringify({
    ociVersion,
    fds: ['seccompFd'],
    pid,
    ...(metadata === undefined ? {} : { metadata }),
    state,
  });
}
