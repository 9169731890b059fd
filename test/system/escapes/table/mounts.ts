import type { OciConfig, OciMount } from '../../../../src/container/config/schema.js';
import type { Escape } from './escape.js';

const volumeAt = (destination: string): OciMount => ({ destination, source: '/volume', options: ['bind'] });

const through =
  (link: string) =>
  ({ mounts }: OciConfig): void =>
    void mounts.push(volumeAt('/mnt'), { destination: `/mnt/${link}/made`, type: 'tmpfs', options: [] });

const withoutDev = (config: OciConfig) => {
  config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'));
};

export const MOUNTS = {
  'target through a link': {
    attack: 'a link in a volume leads the target of a mount out of the root, and a directory is made there',
    cves: ['CVE-2024-45310'],
    guards: ['find /mnt/out without leaving the root'],
    asks: through('out'),
  },
  'target exchanged': {
    attack: 'a container exchanges a directory of a volume for a link out of the root, while another mounts below it',
    cves: ['CVE-2021-30465', 'CVE-2024-45310'],
    guards: ['find /mnt/raced without leaving the root'],
    asks: through('raced'),
  },
  'proc through a link': {
    attack: 'a link leads the mount of /proc elsewhere, and is exchanged before parts of it become read-only',
    cves: ['CVE-2019-19921', 'CVE-2023-27561', 'CVE-2023-28642'],
    guards: ['mount it at /proc', 'take /proc/sys once more', 'and mount it over itself'],
    asks: (config) => {
      config.root.path = '/image';
      config.mounts.unshift(volumeAt('/mnt'));
      config.linux.maskedPaths = [];
      config.linux.readonlyPaths = ['/proc/sys'];
    },
  },
  'cover of a volume': {
    attack: 'a link in the place of /dev/null leads what covers masked files to a file that can be written',
    cves: ['CVE-2025-31133'],
    guards: ["the host's /dev/null, not what the image has", 'a cover for /proc/keys'],
    asks: (config) => {
      withoutDev(config);
      config.mounts.push(volumeAt('/dev'));
    },
  },
  'console of a volume': {
    attack: 'a link in the place of /dev/pts/0 leads /dev/console to another file',
    cves: ['CVE-2025-52565'],
    guards: ["open the program's side of it", 'take the terminal once more'],
    asks: (config) => {
      for (const mount of config.mounts) if (mount.type === 'devpts') mount.destination = '/dev/pts/real';
      config.mounts.splice(3, 0, volumeAt('/dev/pts'));
      config.process.terminal = true;
    },
  },
  'node of a link': {
    attack: 'a link in the place of a device leads its new owner to a file of the host',
    cves: [],
    guards: ['hold it; what is there may be the image’s', 'it must be a character device', 'of number 1', 'and 5'],
    asks: (config) => {
      withoutDev(config);
      config.root.path = '/image';
      config.linux.devices = [{ path: '/dev/zero', type: 'c', major: 1, minor: 5, uid: 1000 }];
    },
  },
  'kernel parameter elsewhere': {
    attack: 'a mount over /proc/sys/net/core leads a kernel parameter to another file',
    cves: ['CVE-2025-52881'],
    guards: ['open net/core/somaxconn'],
    asks: ({ mounts, linux }) => {
      mounts.push(volumeAt('/mnt'), { destination: '/mnt/core', source: '/volume/fake', options: ['bind'] });
      linux.sysctl = { 'net.core.somaxconn': '77' };
    },
  },
  'label elsewhere': {
    attack: 'a mount over /proc/self/attr leads the label of the process to another file',
    cves: ['CVE-2019-16884', 'CVE-2025-52881'],
    guards: ["hold the label in the host's /proc"],
    asks: ({ mounts, process }) => {
      mounts.push(volumeAt('/mnt'), { destination: '/mnt/attr', source: '/volume/fake', options: ['bind'] });
      process.selinuxLabel = 'canary';
    },
  },
} as const satisfies Record<string, Escape>;
