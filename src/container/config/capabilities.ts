import { CAPABILITY_SETS, type CapabilitySet, type OciProcess } from './schema.js';

/** Linux capabilities (capabilities(7), linux/capability.h): the position in this list is the number. */
export const CAPABILITIES = [
  ...['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_KILL', 'CAP_SETGID'],
  ...['CAP_SETUID', 'CAP_SETPCAP', 'CAP_LINUX_IMMUTABLE', 'CAP_NET_BIND_SERVICE', 'CAP_NET_BROADCAST'],
  ...['CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_IPC_LOCK', 'CAP_IPC_OWNER', 'CAP_SYS_MODULE', 'CAP_SYS_RAWIO'],
  ...['CAP_SYS_CHROOT', 'CAP_SYS_PTRACE', 'CAP_SYS_PACCT', 'CAP_SYS_ADMIN', 'CAP_SYS_BOOT', 'CAP_SYS_NICE'],
  ...['CAP_SYS_RESOURCE', 'CAP_SYS_TIME', 'CAP_SYS_TTY_CONFIG', 'CAP_MKNOD', 'CAP_LEASE', 'CAP_AUDIT_WRITE'],
  ...['CAP_AUDIT_CONTROL', 'CAP_SETFCAP', 'CAP_MAC_OVERRIDE', 'CAP_MAC_ADMIN', 'CAP_SYSLOG', 'CAP_WAKE_ALARM'],
  ...['CAP_BLOCK_SUSPEND', 'CAP_AUDIT_READ', 'CAP_PERFMON', 'CAP_BPF', 'CAP_CHECKPOINT_RESTORE'],
] as const;

/** What docker gives a container by default: enough for ordinary server programs, nothing that reaches the host. */
export const DEFAULT_CAPABILITIES = [
  ...['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FSETID', 'CAP_FOWNER', 'CAP_MKNOD', 'CAP_NET_RAW', 'CAP_SETGID'],
  ...['CAP_SETUID', 'CAP_SETFCAP', 'CAP_SETPCAP', 'CAP_NET_BIND_SERVICE', 'CAP_SYS_CHROOT', 'CAP_KILL'],
  ...['CAP_AUDIT_WRITE'],
];

/** Names → bit mask. Throws RangeError for a name the kernel headers do not have. */
export function capabilityMask(names: readonly string[]): bigint {
  return names.reduce((mask, name) => {
    const bit = bitOf(name);
    if (bit < 0) throw new RangeError(`unknown capability ${name}`);
    return mask | (1n << BigInt(bit));
  }, 0n);
}

/** Bit mask → names. */
export function capabilityNames(mask: bigint): string[] {
  return CAPABILITIES.filter((_, bit) => mask & (1n << BigInt(bit)));
}

const bitOf = (name: string) => (CAPABILITIES as readonly string[]).indexOf(name);

export interface GrantedCapabilities {
  masks: Record<CapabilitySet, bigint>;
  /** One for each capability that was asked for and cannot be had. */
  warnings: string[];
}

/**
 * What of process.capabilities can be granted. What cannot is left out with a warning and never an error, as config.md
 * has it ("Linux Process", capabilities). A process without that property has none.
 * `available`: what the runtime can hand on; asked only when more than docker's default is wanted.
 */
export function grantCapabilities(asked: OciProcess['capabilities'], available: () => bigint): GrantedCapabilities {
  const warnings: string[] = [];
  const masks = {} as Record<CapabilitySet, bigint>;
  for (const set of CAPABILITY_SETS) {
    const [known, unknown] = partition(asked?.[set] ?? [], (name) => bitOf(name) >= 0);
    for (const name of unknown) warnings.push(`process.capabilities.${set}: ${name} is no capability that vlab knows`);
    masks[set] = capabilityMask(known);
  }
  const keep = (set: CapabilitySet, possible: bigint, why: string) => {
    for (const name of capabilityNames(masks[set] & ~possible)) {
      warnings.push(`process.capabilities.${set}: ${name} cannot be granted: ${why}`);
    }
    masks[set] &= possible;
  };
  const all = CAPABILITY_SETS.reduce((sum, set) => sum | masks[set], 0n);
  if (all & ~DEFAULT_MASK) {
    const have = available();
    for (const set of CAPABILITY_SETS) keep(set, have, 'vlab does not have it itself');
  }
  // capset(2) and prctl(2), PR_CAP_AMBIENT_RAISE, refuse what breaks these rules.
  keep('effective', masks.permitted, 'it is not in the permitted set');
  keep('inheritable', masks.bounding, 'it is not in the bounding set');
  keep('ambient', masks.permitted & masks.inheritable, 'it is not in both the permitted and the inheritable set');
  return { masks, warnings };
}

const DEFAULT_MASK = capabilityMask(DEFAULT_CAPABILITIES);

function partition<T>(values: readonly T[], test: (value: T) => boolean): [T[], T[]] {
  return [values.filter(test), values.filter((value) => !test(value))];
}
