import type { OciConfig } from '../../../../src/container/config/schema.js';
import type { Escape } from './escape.js';

const NAMESPACES = ["create the container's first process in 5 new namespaces, on borrowed memory"] as const;

/** With a view of its own cgroups, and a limit in one of them. */
const seesItsCgroups = ({ mounts, linux }: OciConfig) => {
  mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', options: ['ro'] });
  linux.resources = { ...linux.resources, pids: { limit: 20 } };
};

export const NEIGHBOURS = {
  'signals a neighbour': {
    attack: 'root of a container ends a process outside of it by its number',
    cves: [],
    guards: NAMESPACES,
  },
  'abstract socket': {
    attack: 'a program connects to an abstract socket of the host, which has no path that could be out of reach',
    cves: ['CVE-2020-15257'],
    guards: NAMESPACES,
  },
  'shared memory': {
    attack: 'root of a container reads a shared memory segment of the host',
    cves: [],
    guards: NAMESPACES,
  },
  'spreads mounts': {
    attack: 'what is mounted for a container is seen on the host, whose mounts are shared',
    cves: [],
    guards: ['let no mount event reach the host'],
  },
  'lifts its limit': {
    attack: 'root of a container lifts its own limit, in the cgroup that it is shown',
    cves: ['CVE-2023-25809'],
    guards: ['make a mount of it'],
    asks: seesItsCgroups,
  },
  'groups of the caller': {
    attack: 'a user reads a file of a group that the caller of the runtime was in',
    cves: [],
    guards: ['have no groups but those of the container'],
    asks: ({ process }) => {
      process.user = { ...process.user, uid: 1000, gid: 1000 };
    },
  },
} as const satisfies Record<string, Escape>;
