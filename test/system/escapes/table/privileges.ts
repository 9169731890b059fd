import { DEFAULT_CAPABILITIES } from '../../../../src/container/config/capabilities.js';
import { defaultSeccomp } from '../../../../src/container/config/default-seccomp.js';
import type { OciConfig } from '../../../../src/container/config/schema.js';
import { hostArch } from '../../../../src/sys/abi.js';
import type { Escape } from './escape.js';

/** As docker runs: programs may gain privileges, up to the bounding set. */
const mayGain = ({ process }: OciConfig) => {
  process.noNewPrivileges = false;
};
/** Who has nothing but what can be gained. */
const asUser = ({ process }: OciConfig) => {
  process.user = { ...process.user, uid: 1000, gid: 1000 };
  Object.assign(process.capabilities ?? {}, { effective: [], permitted: [] });
};
const filtered = ({ linux }: OciConfig) => {
  linux.seccomp = defaultSeccomp(hostArch(), DEFAULT_CAPABILITIES);
};
const FILTER = ['let the filter decide about system calls'];

export const PRIVILEGES = {
  'set-user-id program': {
    attack: 'a user becomes root by a set-user-id program of the image',
    cves: [],
    guards: ['no program it runs can gain privileges'],
    asks: asUser,
  },
  'file capabilities': {
    attack: 'a user gains capabilities by a program of the image that has some',
    cves: [],
    guards: ['no program it runs can gain privileges'],
    asks: asUser,
  },
  'inheritable capabilities': {
    attack: 'a user gains capabilities by a program of the image that takes inheritable ones',
    cves: ['CVE-2022-29162', 'CVE-2022-24769'],
    guards: ['keep only the capabilities of the container'],
    asks: (config) => {
      asUser(config);
      mayGain(config);
    },
  },
  mounts: {
    attack: 'root of a container mounts a file system',
    cves: [],
    guards: ['never have CAP_SYS_ADMIN'],
    asks: mayGain,
  },
  'release agent': {
    attack:
      'root of a container mounts a cgroup hierarchy to name a program that the kernel runs outside (release_agent)',
    cves: ['CVE-2022-0492'],
    guards: ['never have CAP_SYS_ADMIN', 'see its own cgroups as the roots of the trees'],
    asks: mayGain,
  },
  shocker: {
    attack: 'root of a container opens a file outside of it by its number (open_by_handle_at, "shocker")',
    cves: [],
    guards: ['never have CAP_DAC_READ_SEARCH'],
    asks: mayGain,
  },
  'unshares a user namespace': {
    attack: 'a program makes a user namespace by unshare, and with it the way to most faults of the kernel',
    cves: ['CVE-2022-0185'],
    guards: FILTER,
    asks: filtered,
  },
  'clones a user namespace': {
    attack: 'a program makes a user namespace by clone',
    cves: [],
    guards: FILTER,
    asks: filtered,
  },
  'clones a user namespace by clone3': {
    attack: 'a program makes a user namespace by clone3, whose flags no filter can see',
    cves: [],
    guards: FILTER,
    asks: filtered,
  },
  'uses up keys': {
    attack: 'a program adds keys to the kernel, as many as the host’s root may have',
    cves: [],
    guards: FILTER,
    asks: filtered,
  },
} as const satisfies Record<string, Escape>;
