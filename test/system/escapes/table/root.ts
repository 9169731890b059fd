import type { Escape } from './escape.js';

const OWN_ROOT = ['make it the root; the old one lies on top of it', "let go of the host's file systems"] as const;

export const ROOT = {
  'climbs out of a chroot': {
    attack:
      'root of a container climbs out of its root by a second one (chroot, and .. from a directory outside of it)',
    cves: [],
    guards: OWN_ROOT,
  },
  'steps onto the old root': {
    attack: 'a program steps onto the root that the container was made in',
    cves: [],
    guards: [OWN_ROOT[1]],
  },
  'reads a masked file': {
    attack: 'a program reads a file of the kernel that has no namespace',
    cves: [],
    guards: ['mask /proc/keys'],
  },
  'lists a masked directory': {
    attack: 'a program looks into a directory of the kernel that has no namespace',
    cves: [],
    guards: ['mask /sys/firmware'],
  },
  'sets kernel parameters': {
    attack: 'root of a container sets a parameter in /proc/sys',
    cves: [],
    guards: ['and mount it over itself'],
  },
  'opens sysfs': {
    attack: 'root of a container opens a file of /sys to write it',
    cves: [],
    guards: ['make a mount of it'],
  },
} as const satisfies Record<string, Escape>;
