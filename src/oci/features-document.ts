/** What this runtime understands (features.md, features-linux.md), from the tables that it works by. Pure. */
import { CAPABILITIES } from '../container/config/capabilities.js';
import { HOOK_NAMES, NAMESPACE_TYPES, SECCOMP_ACTIONS, SECCOMP_OPERATORS } from '../container/config/schema.js';
import { mountOptionNames } from '../container/steps/mount-options.js';
import { MEMORY_FLAGS, MEMORY_MODES } from '../container/steps/scheduling-steps.js';
import { SECCOMP_FLAGS } from '../container/steps/seccomp-steps.js';
import { SPEC_VERSION, vlabVersion } from './version.js';

const sorted = (names: Iterable<string>) => [...names].sort();

/**
 * Whether this machine has it all is another question, which `create` answers. `architectures`: those of the linked libseccomp,
 * undefined where there is none, and so no filter.
 */
export function featuresDocument(architectures: readonly string[] | undefined): object {
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: SPEC_VERSION,
    hooks: [...HOOK_NAMES],
    mountOptions: mountOptionNames(),
    linux: {
      namespaces: sorted(NAMESPACE_TYPES),
      capabilities: [...CAPABILITIES],
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: architectures
        ? {
            enabled: true,
            actions: sorted(SECCOMP_ACTIONS),
            operators: sorted(SECCOMP_OPERATORS),
            archs: sorted(architectures),
            knownFlags: sorted(SECCOMP_FLAGS),
            supportedFlags: sorted(SECCOMP_FLAGS),
          }
        : { enabled: false },
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: { enabled: true, schemata: true, monitoring: true },
      memoryPolicy: { modes: sorted(MEMORY_MODES.keys()), flags: sorted(MEMORY_FLAGS.keys()) },
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: true },
    },
    annotations: { 'org.vlab.version': vlabVersion(), 'org.opencontainers.runc.checkpoint.enabled': 'true' },
    // Those that runc knows as such and that do not exist here: no annotation changes what a container may do.
    potentiallyUnsafeConfigAnnotations: [],
  };
}
