import type { Escape } from './escape.js';

export const DEVICES = {
  'makes a node': {
    attack: 'root of a container makes a node of a device of the host, and opens it',
    cves: [],
    guards: ['set it to a'],
  },
  'node of the image': {
    attack: 'a program opens a device by a node that the image brought along',
    cves: [],
    guards: ['set it to a'],
  },
  'node of a volume': {
    attack: 'a program opens a device by a node in a volume without devices',
    cves: [],
    guards: ['make it what its options say'],
    asks: ({ mounts }) => {
      mounts.push({ destination: '/mnt', source: '/volume', options: ['bind', 'nodev'] });
    },
  },
  'makes a node without the right to': {
    attack: 'root of a container makes a node, without CAP_MKNOD',
    cves: [],
    guards: ['never have CAP_MKNOD'],
    asks: ({ process }) => {
      process.noNewPrivileges = false;
      for (const set of ['bounding', 'effective', 'permitted'] as const) {
        const { capabilities } = process;
        if (capabilities) capabilities[set] = capabilities[set]?.filter((name) => name !== 'CAP_MKNOD');
      }
    },
  },
} as const satisfies Record<string, Escape>;
