import type { TestContext } from 'vitest';

/**
 * Every reason for which a test may be skipped. `npm test` fails when a skipped test gives none of these: a test that
 * silently does not run is worth nothing. To skip: `needs(context, 'runc', runcIsThere)` as the first line of a test, or
 * in a `beforeEach`.
 */
export const SKIPS = {
  root: 'needs root',
  'not root': 'is about running without root',
  'user namespaces': 'needs user namespaces for everyone, which this kernel or its settings refuse',
  '/dev/kvm': 'needs /dev/kvm, which this machine does not have',
  kvm: 'needs KVM that boots Linux, which was tried here and failed',
  'no kvm': 'is about a machine whose KVM does not boot Linux',
  qemu: 'needs qemu-system-x86_64, which is not installed',
  kernel: 'needs a guest kernel in the cache (vlab kernel pull)',
  runc: 'needs runc, which is not installed',
  crun: 'needs crun, which is not installed',
  podman: 'needs podman, which is not installed',
  buildah: 'needs buildah, skopeo and umoci, which are not all installed',
  criu: 'needs criu, which is too old or not installed, and could not be got (mmdebstrap and the network)',
  'memory tracking': 'needs a kernel that tracks changed memory (CONFIG_MEM_SOFT_DIRTY)',
  'resource capability': 'needs CAP_SYS_RESOURCE',
  'no resource capability': 'is about a machine without CAP_SYS_RESOURCE',
  bubblewrap: 'needs bwrap, which is not installed',
  'busybox-static': 'needs /bin/busybox, which is not installed',
  catatonit: 'needs catatonit, which is not installed',
  attr: 'needs getfattr and setfattr, which are not installed',
  umoci: 'needs umoci and skopeo, which are not installed',
  'docker-registry': 'needs docker-registry, htpasswd and openssl, which are not all installed',
  iperf3: 'needs iperf3, which is not installed',
  skopeo: 'needs skopeo, which is not installed',
  uidmap: 'needs newuidmap and newgidmap, which are not installed',
  libseccomp: 'needs libseccomp.so.2, which is not installed',
  strace: 'needs strace, which is not installed',
  script: 'needs script(1) of util-linux, which is not installed',
  cpio: 'needs cpio, which is not installed',
  hyperfine: 'needs hyperfine, which is not installed',
  'cni plugins': 'needs the bridge of containernetworking-plugins, which is not installed',
  containerd: 'needs containerd, which is not installed',
  'fuse-overlayfs': 'needs fuse-overlayfs and /dev/fuse, which are not both there',
  'storage driver':
    'needs a storage driver that does not work here: reflink wants btrfs or xfs, fuse-overlayfs its program',
  'erofs-utils': 'needs mkfs.erofs, which is not installed',
  dnsmasq: 'needs dnsmasq, which is not installed',
  'rootless networks': 'needs passt or slirp4netns, and /dev/net/tun, which are not there',
  nftables: 'needs nft and ip, which are not installed',
  bridge: 'needs network bridges, which this kernel does not have',
  docker: 'needs dockerd, which is not installed',
  systemd: 'needs systemd as process 1',
  'no systemd': 'is about a machine without systemd',
  'systemd files': 'needs systemd, which is not installed',
  'user-mode-linux': 'needs linux.uml, installed and able to boot on this processor',
  'debian root': 'needs a Debian root file system: mmdebstrap, and a mirror within reach',
  chromium: 'needs chromium, which is not installed',
  'aarch64 compiler': 'needs aarch64-linux-gnu-gcc, which is not installed',
  sanitizers: 'needs a C compiler with address sanitizer',
  'cgroup v1': 'needs controllers on cgroup v1',
  'cgroup v2': 'needs controllers on cgroup v2',
  npm: 'needs the npm registry, or npm packages in the cache',
  conformance: 'needs what this machine does not have; docs/conformance.md names it',
  full: 'takes long: npm run full runs it',
} as const;

export type SkipName = keyof typeof SKIPS;

/** Skips the running test, by name, unless `present`. */
export function needs(context: Pick<TestContext, 'skip'>, what: SkipName, present: boolean): void {
  if (!present) context.skip(SKIPS[what]);
}

/** True in `npm run full`. */
export const isFullRun = process.env.VLAB_FULL === '1';

export const isRoot = process.getuid?.() === 0;
