/** Look-ups that nobody leads out of a container by what lies in it (openat2(2)). Pure. */
import { ABI } from '../../sys/abi.js';
import { words64 } from '../../sys/encode.js';
import type { Num } from '../../sys/num.js';
import type { Addr, PlanBuilder } from '../../sys/plan.js';

/** sizeof(struct open_how). */
export const OPEN_HOW_BYTES = 24;

/**
 * struct open_how: the directory that a look-up begins in is its root, and no magic link is followed. /proc/self/fd/7 would be
 * a directory of the host if somebody left such a descriptor open (CVE-2024-21626). `shown`: how a printed plan has these rules.
 */
export function withinRoot(b: PlanBuilder, open: Num, shown = 'IN_ROOT|NO_MAGICLINKS'): Addr {
  const resolve = ABI.RESOLVE_IN_ROOT | ABI.RESOLVE_NO_MAGICLINKS;
  return b.data(words64(open.value, 0, resolve), `{${open.text}, ${shown}}`);
}
