/** Who the program is and what it may do: user, groups, capabilities (capabilities(7), credentials(7)). Pure. */
import { ABI, flags } from '../../sys/abi.js';
import { words32 } from '../../sys/encode.js';
import { num } from '../../sys/num.js';
import type { PlanBuilder } from '../../sys/plan.js';
import { CAPABILITIES, capabilityMask } from '../config/capabilities.js';
import type { CapabilitySet, OciConfig } from '../config/schema.js';
import type { Situation } from '../situation.js';

/** The child's last steps before its program: identity and privileges. */
export function dropPrivileges(b: PlanBuilder, config: OciConfig, situation: Situation): void {
  const { process } = config;
  b.step(
    'umask',
    [num(process.user.umask ?? 0o022, `0${(process.user.umask ?? 0o022).toString(8)}`)],
    'set the file mode mask',
  );
  b.step('chdir', [b.str(process.cwd)], 'stand in the working directory', {
    hint: `the image has no directory ${process.cwd}`,
  });
  if (process.capabilities) dropBounding(b, process.capabilities.bounding);
  setUser(b, config, situation.rootless !== undefined);
  if (process.capabilities) setCapabilities(b, process.capabilities);
  if (process.noNewPrivileges) {
    b.step('prctl', [flags('PR_SET_NO_NEW_PRIVS'), 1, 0, 0, 0], 'no program it runs can gain privileges');
  }
}

function dropBounding(b: PlanBuilder, keep: readonly string[]): void {
  const kept = capabilityMask(keep);
  CAPABILITIES.forEach((name, bit) => {
    if (kept & (1n << BigInt(bit))) return;
    // An older kernel does not know the newest ones.
    b.step('prctl', [flags('PR_CAPBSET_DROP'), num(bit, name), 0, 0, 0], `never have ${name}`, {
      tolerate: ['EINVAL'],
    });
  });
}

function setUser(b: PlanBuilder, config: OciConfig, rootless: boolean): void {
  const { uid, gid, additionalGids = [] } = config.process.user;
  b.step('prctl', [flags('PR_SET_KEEPCAPS'), 1, 0, 0, 0], 'keep capabilities while the user changes');
  if (!rootless) {
    const groups = b.data(words32(...additionalGids), 'groups');
    b.step('setgroups', [additionalGids.length, groups], 'have no groups but those of the container');
  }
  b.step('setresgid', [gid, gid, gid], `become group ${gid}`);
  b.step('setresuid', [uid, uid, uid], `become user ${uid}`);
}

/** capset(2): a header with version 3, then effective, permitted, inheritable for the low and the high 32 bits. */
function setCapabilities(b: PlanBuilder, sets: Record<CapabilitySet, string[]>): void {
  const masks = (['effective', 'permitted', 'inheritable'] as const).map((set) => capabilityMask(sets[set]));
  const low = masks.map((mask) => Number(mask & 0xffffffffn));
  const high = masks.map((mask) => Number(mask >> 32n));
  const header = b.data(words32(ABI.LINUX_CAPABILITY_VERSION_3, 0), '{version 3, self}');
  const data = b.data(words32(...low, ...high), `{${sets.effective.length} capabilities}`);
  b.step('capset', [header, data], 'keep only the capabilities of the container');
}
