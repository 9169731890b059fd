/**
 * Who the program is and what it may do: directory, limits, user, groups, capabilities (credentials(7)). Pure. The order is
 * that of what each step needs: privileges first, and what gives them up last.
 */
import { flags } from '../../sys/abi.js';
import { words32 } from '../../sys/encode.js';
import { num } from '../../sys/num.js';
import type { PlanBuilder, Word } from '../../sys/plan.js';
import type { OciLinux, OciProcess } from '../config/schema.js';
import {
  CAP_SYS_ADMIN,
  type CapabilityMasks,
  dropBounding,
  raiseAmbient,
  setCapabilities,
} from './capability-steps.js';
import { limitsOf, setLimits, setSmallLimits } from './limit-steps.js';
import { setIoPriority, setMemoryPolicy, setPersonality, setScheduler } from './scheduling-steps.js';
import { workingDirectory } from './working-directory.js';

export interface Identity {
  process: OciProcess;
  linux: Pick<OciLinux, 'personality' | 'memoryPolicy'>;
  masks: CapabilityMasks;
  /** `denied`: a user namespace without setgroups(2); `unknown`: one that others made. */
  groups: 'settable' | 'denied' | 'unknown';
  /** A system-call filter follows (`confine`), which takes CAP_SYS_ADMIN unless no privileges can be gained. */
  filtered: boolean;
}

export interface IdentitySteps {
  /** Everything but the last step, which only the filter needs. Then it still needs so many descriptors. */
  drop(descriptors: number): void;
  /** It does no longer. */
  limitDescriptors(descriptors: number): void;
  /** Behind the filter. `done`: takes its result, 0. */
  dropLast(done?: Word): void;
}

/** Errors: `input` and `host` with the JSON path. */
export function identitySteps(b: PlanBuilder, identity: Identity): IdentitySteps {
  const { process, linux, masks } = identity;
  const limits = limitsOf(process);
  const keeps = identity.filtered && !process.noNewPrivileges && !(masks.effective & CAP_SYS_ADMIN);
  return {
    drop(descriptors) {
      const { uid, umask = 0o022 } = process.user;
      const directory = workingDirectory(b, process.cwd, uid);
      directory.enter();
      b.step('umask', [num(umask, `0${umask.toString(8)}`)], 'set the file mode mask');
      if (linux.memoryPolicy) setMemoryPolicy(b, linux.memoryPolicy);
      if (process.scheduler) setScheduler(b, process.scheduler);
      if (process.ioPriority) setIoPriority(b, process.ioPriority);
      if (linux.personality) setPersonality(b, linux.personality);
      setLimits(b, limits, descriptors);
      dropBounding(b, masks.bounding);
      setUser(b, identity);
      const kept = keeps
        ? { ...masks, effective: masks.effective | CAP_SYS_ADMIN, permitted: masks.permitted | CAP_SYS_ADMIN }
        : masks;
      const why = keeps ? 'keep the capabilities of the container, and one for the filter' : KEEP;
      setCapabilities(b, kept, why);
      raiseAmbient(b, masks);
      directory.enterAsUser();
      if (process.noNewPrivileges) {
        b.step('prctl', [flags('PR_SET_NO_NEW_PRIVS'), 1, 0, 0, 0], 'no program it runs can gain privileges');
      }
    },
    limitDescriptors: (descriptors) => setSmallLimits(b, limits, descriptors),
    dropLast(done) {
      if (keeps) setCapabilities(b, masks, KEEP, done);
    },
  };
}

const KEEP = 'keep only the capabilities of the container';

function setUser(b: PlanBuilder, { process, groups }: Identity): void {
  const { uid, gid, additionalGids = [] } = process.user;
  // Only a change from user 0 to another takes capabilities away (capabilities(7)).
  if (uid !== 0) b.step('prctl', [flags('PR_SET_KEEPCAPS'), 1, 0, 0, 0], 'keep capabilities while the user changes');
  if (groups !== 'denied') {
    const list = b.data(words32(...additionalGids), 'groups');
    b.step('setgroups', [additionalGids.length, list], 'have no groups but those of the container', {
      // Without setgroups in a namespace that others made, nothing can be added, and nothing taken away.
      ...(groups === 'unknown' && additionalGids.length === 0 ? { tolerate: ['EPERM'] as const } : {}),
      ...(additionalGids.length > 0 ? { from: 'process.user.additionalGids' } : {}),
      hint: 'in a user namespace every group must be mapped, and setgroups allowed (user_namespaces(7))',
    });
  }
  const hint = 'the id must be mapped in the user namespace: see linux.uidMappings and linux.gidMappings';
  b.step('setresgid', [gid, gid, gid], `become group ${gid}`, { hint });
  b.step('setresuid', [uid, uid, uid], `become user ${uid}`, { hint });
}
