import type { Escape } from './escape.js';

export const RUNTIME = {
  'overwrites the runtime': {
    attack: 'a container overwrites the program of the runtime through /proc/PID/exe',
    cves: ['CVE-2019-5736'],
    guards: [],
    besides: 'vlab-front runs vlab-init from a sealed memory file',
  },
  'reaches into a process': {
    attack: 'a container reaches for the descriptors of a process that is on its way into it',
    cves: ['CVE-2016-9962'],
    guards: ['let nobody trace it before its program runs'],
  },
  'leaked directory': {
    attack: 'a program uses a directory that the caller of the runtime left open',
    cves: ['CVE-2016-9962', 'CVE-2024-21626'],
    guards: ['hand no other descriptor on'],
  },
  'program through a descriptor': {
    attack: 'the program is found through /proc/self/fd/N, a directory that is open until it runs',
    cves: ['CVE-2024-21626'],
    guards: ['hand no other descriptor on'],
  },
  'hook through a descriptor': {
    attack: 'a startContainer hook is found through /proc/self/fd/N, a directory that is open until it runs',
    cves: ['CVE-2024-21626'],
    guards: ['and no other descriptor is'],
    asks: (config) => {
      const path = '/proc/self/fd/4/rootfs/probe';
      config.hooks = { startContainer: [{ path, args: ['probe', 'echo', 'the hook ran'] }] };
    },
  },
  'leaked working directory': {
    attack: 'the working directory is /proc/self/fd/N, a directory that the caller of the runtime left open',
    cves: ['CVE-2024-21626'],
    guards: ['find the working directory, in this root'],
    asks: ({ process }) => {
      process.cwd = '/proc/self/fd/4';
    },
  },
  'leaked working directory of exec': {
    attack: 'a container makes a link to /proc/self/fd/N in the place where a program that is executed in it begins',
    cves: ['CVE-2024-21626'],
    guards: ['find the working directory, in this root'],
    asks: ({ process }) => {
      process.cwd = '/tmp/there';
    },
  },
  'leaked terminals': {
    attack:
      'a container links /dev/pts to /proc/self/fd/N, and a program that is executed in it gets a terminal of the host',
    cves: ['CVE-2024-21626'],
    guards: ["find the container's terminals, in its root"],
    asks: (config) => {
      config.mounts = config.mounts.filter(({ type }) => type !== 'devpts');
      config.process.terminal = true;
    },
  },
  'leaked terminal': {
    attack: 'a link in the place of /dev/pts/ptmx leads through /proc/self/fd/N to a terminal of the host',
    cves: ['CVE-2024-21626'],
    guards: ["open a new terminal in the container's devpts"],
    asks: (config) => {
      config.mounts = config.mounts.filter(({ type }) => type !== 'devpts');
      config.process.terminal = true;
    },
  },
  'types into the terminal': {
    attack: 'a program types into the terminal that the runtime was called from (TIOCSTI)',
    cves: ['CVE-2016-2568'],
    guards: ["a session of its own: the caller's terminal does not signal it"],
  },
  "reads the caller's keys": {
    attack: 'a program reads a key of the session keyring of who called the runtime',
    cves: [],
    guards: ["leave the caller's keys behind"],
  },
} as const satisfies Record<string, Escape>;
