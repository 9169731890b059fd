/** Texts of proc(5), as the tests read them in containers. */

export interface MountLine {
  root: string;
  path: string;
  /** Of this mount: ro, nosuid, nodev, noexec, noatime, relatime, nodiratime, nosymfollow. */
  options: string[];
  /** `shared:N`, `master:N`, `unbindable`. */
  propagation: string[];
  type: string;
  source: string;
  /** Of the file system. */
  superOptions: string[];
}

/** /proc/PID/mountinfo, in the order of mounting. */
export function parseMountinfo(text: string): MountLine[] {
  return text
    .split('\n')
    .filter((line) => line.includes(' - '))
    .map((line) => {
      const [head = '', tail = ''] = line.split(' - ');
      const [, , , root = '', path = '', options = '', ...propagation] = head.split(' ');
      const [type = '', source = '', superOptions = ''] = tail.split(' ');
      return {
        root,
        path,
        options: options.split(','),
        propagation,
        type,
        source,
        superOptions: superOptions.split(','),
      };
    });
}

/** The last mount at a path, which is the one that is seen. */
export function mountAt(text: string, path: string): MountLine {
  const found = parseMountinfo(text).filter((mount) => mount.path === path);
  const last = found.at(-1);
  if (!last) throw new Error(`nothing is mounted at ${path}: ${text}`);
  return last;
}

/** A line of /proc/PID/status: `field(text, 'Groups')`. */
export function field(text: string, name: string): string {
  const line = text.split('\n').find((one) => one.startsWith(`${name}:`));
  if (line === undefined) throw new Error(`no line ${name} in ${JSON.stringify(text.slice(0, 400))}`);
  return line
    .slice(name.length + 1)
    .trim()
    .replaceAll(/\s+/g, ' ');
}

/** capabilities(7): by their numbers. */
export const CAPABILITIES = [
  ...['CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP'],
  ...['LINUX_IMMUTABLE', 'NET_BIND_SERVICE', 'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW', 'IPC_LOCK', 'IPC_OWNER'],
  ...['SYS_MODULE', 'SYS_RAWIO', 'SYS_CHROOT', 'SYS_PTRACE', 'SYS_PACCT', 'SYS_ADMIN', 'SYS_BOOT', 'SYS_NICE'],
  ...['SYS_RESOURCE', 'SYS_TIME', 'SYS_TTY_CONFIG', 'MKNOD', 'LEASE', 'AUDIT_WRITE', 'AUDIT_CONTROL', 'SETFCAP'],
  ...['MAC_OVERRIDE', 'MAC_ADMIN', 'SYSLOG', 'WAKE_ALARM', 'BLOCK_SUSPEND', 'AUDIT_READ', 'PERFMON', 'BPF'],
  'CHECKPOINT_RESTORE',
].map((name) => `CAP_${name}`);

/** As /proc/PID/status shows a set. */
export function capabilityMask(names: readonly string[]): string {
  const bits = names.reduce((sum, name) => sum | (1n << BigInt(CAPABILITIES.indexOf(name))), 0n);
  return bits.toString(16).padStart(16, '0');
}

/** Names of the set that a line of /proc/PID/status shows. */
export function capabilitiesIn(status: string, line: string): string[] {
  const bits = BigInt(`0x${field(status, line)}`);
  return CAPABILITIES.filter((_, number) => (bits >> BigInt(number)) & 1n);
}
