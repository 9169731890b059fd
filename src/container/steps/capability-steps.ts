/** Capabilities as steps: what can never be had again, and what there is (capabilities(7), capset(2), prctl(2)). Pure. */
import { ABI, flags } from '../../sys/abi.js';
import { words32 } from '../../sys/encode.js';
import { num } from '../../sys/num.js';
import type { PlanBuilder, Word } from '../../sys/plan.js';
import { CAPABILITIES, capabilityMask, capabilityNames } from '../config/capabilities.js';
import type { CapabilitySet } from '../config/schema.js';

export type CapabilityMasks = Record<CapabilitySet, bigint>;

export const CAP_SYS_ADMIN = capabilityMask(['CAP_SYS_ADMIN']);

export function dropBounding(b: PlanBuilder, keep: bigint): void {
  CAPABILITIES.forEach((name, bit) => {
    if (keep & (1n << BigInt(bit))) return;
    // An older kernel does not know the newest ones.
    b.step('prctl', [flags('PR_CAPBSET_DROP'), num(bit, name), 0, 0, 0], `never have ${name}`, {
      tolerate: ['EINVAL'],
    });
  });
}

/** capset(2): a header with version 3, then effective, permitted, inheritable for the low and the high 32 bits. */
export function setCapabilities(b: PlanBuilder, masks: CapabilityMasks, why: string, result?: Word): void {
  const sets = [masks.effective, masks.permitted, masks.inheritable];
  const low = sets.map((mask) => Number(mask & 0xffffffffn));
  const high = sets.map((mask) => Number(mask >> 32n));
  const header = b.data(words32(ABI.LINUX_CAPABILITY_VERSION_3, 0), '{version 3, self}');
  const data = b.data(words32(...low, ...high), `{${capabilityNames(masks.effective).length} capabilities}`);
  b.step('capset', [header, data], why, {
    ...(result ? { result } : {}),
    hint: 'the runtime needs them itself, and CAP_SETPCAP; see `vlab doctor`',
  });
}

/** Ambient capabilities are kept by programs without privileges of their own; each must be permitted and inheritable. */
export function raiseAmbient(b: PlanBuilder, masks: CapabilityMasks): void {
  // What the caller brought along: capset has dropped it already, unless it is inheritable here too.
  if (masks.inheritable & ~masks.ambient) {
    b.step('prctl', [flags('PR_CAP_AMBIENT'), flags('PR_CAP_AMBIENT_CLEAR_ALL'), 0, 0, 0], 'forget ambient ones');
  }
  for (const name of capabilityNames(masks.ambient)) {
    const bit = num(CAPABILITIES.indexOf(name as (typeof CAPABILITIES)[number]), name);
    b.step('prctl', [flags('PR_CAP_AMBIENT'), flags('PR_CAP_AMBIENT_RAISE'), bit, 0, 0], `keep ${name} over exec`, {
      from: 'process.capabilities.ambient',
    });
  }
}
