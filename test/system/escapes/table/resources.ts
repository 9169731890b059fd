import type { OciConfig } from '../../../../src/container/config/schema.js';
import type { Escape } from './escape.js';

const withResources =
  (resources: NonNullable<OciConfig['linux']['resources']>) =>
  ({ linux }: OciConfig) => {
    linux.resources = { ...linux.resources, ...resources };
  };

export const RESOURCES = {
  'fork bomb': {
    attack: 'a program makes as many processes as it can',
    cves: [],
    guards: ['set it to 20'],
    asks: withResources({ pids: { limit: 20 } }),
  },
  'memory bomb': {
    attack: 'a program takes as much memory as it can',
    cves: [],
    guards: ['set it to 67108864'],
    asks: withResources({ memory: { limit: 64 << 20 } }),
  },
  'memory through files': {
    attack: 'a program takes memory by files in /dev/shm',
    cves: [],
    guards: ['with size=65536k'],
  },
  descriptors: {
    attack: 'a program opens as many descriptors as it can',
    cves: [],
    guards: ['limit RLIMIT_NOFILE to 20, at most 20'],
    asks: ({ process }) => {
      process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 20, hard: 20 }];
    },
  },
  inodes: {
    attack: 'a program makes as many files as it can in a file system in memory',
    cves: [],
    guards: ['with nr_inodes=16'],
    asks: ({ mounts }) => {
      mounts.push({ destination: '/mnt', type: 'tmpfs', options: ['nr_inodes=16'] });
    },
  },
  terminals: {
    attack: 'a program opens as many pseudo-terminals as it can',
    cves: [],
    guards: ['with max=4'],
    asks: ({ mounts }) => {
      mounts.find(({ type }) => type === 'devpts')?.options?.push('max=4');
    },
  },
} as const satisfies Record<string, Escape>;
