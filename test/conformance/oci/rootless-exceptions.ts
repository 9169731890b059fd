/** What an ordinary user cannot have, or not in the way that the test looks at: exceptions of vlab-oci called without root. */
import type { Exception } from './exceptions.js';
import { ROOTLESS } from './runtimes.js';

const REASONS: Record<string, string[]> = {
  "No device node can be made in a user namespace, so the host's is shown, as it is.": [
    'config-linux.md#devices: a device of type c is available',
    'config-linux.md#devices: a device of type u is available',
    'config-linux.md#devices: a device of type b is available',
    'config-linux.md#devices: several devices are available',
    'config-linux.md#devices: a device may be anywhere in the file system',
    'config-linux.md#devices: fileMode is the mode of the device',
    'config-linux.md#devices: uid and gid are the owner of the device',
    'config-linux.md#devices: a file at path that is another one is an error',
    'config-linux.md#devices: a type that does not exist is an error',
    'config-linux.md#devices: path is required',
    'config-linux.md#devices: major and minor are required unless the type is p',
    'config-linux.md#default-devices: /dev/null is supplied',
    'config-linux.md#default-devices: /dev/zero is supplied',
    'config-linux.md#default-devices: /dev/full is supplied',
    'config-linux.md#default-devices: /dev/random is supplied',
    'config-linux.md#default-devices: /dev/urandom is supplied',
    'config-linux.md#default-devices: /dev/tty is supplied',
    'config-linux.md#default-devices: the default devices are supplied where /dev is of the root file system',
    'config-linux.md#allowed-device-list: entries are applied in the listed order',
    'config-linux.md#allowed-device-list: access is no more than its letters',
  ],
  'The rules of devices cannot be changed without root.': [
    'config-linux.md#allowed-device-list: an entry without numbers is for all of them',
  ],
  'An id-mapped mount needs a map of ids that only root may make.': [
    'config.md#linux-mount-options: idmap shows the files with the ids of its mappings',
    'config.md#linux-mount-options: ridmap shows the files with the ids of its mappings',
    'config.md#linux-mount-options: idmap without mappings and without a user namespace is an error',
    'config.md#posix-platform-mounts: uidMappings without gidMappings are an error',
    'features.md#mount-options: the mount options that are listed are recognized',
  ],
  "What the host's mount forbids is locked in a user namespace (mount_namespaces(7)), and its way of access times too.":
    [
      'config.md#linux-mount-options: bind mounts without what is mounted below the source',
      'config.md#linux-mount-options: noatime is set on a bind mount',
      'config.md#linux-mount-options: rrw is applied to what is mounted below the source',
      'config.md#linux-mount-options: rsuid is applied to what is mounted below the source',
      'config.md#linux-mount-options: rdev is applied to what is mounted below the source',
      'config.md#linux-mount-options: rexec is applied to what is mounted below the source',
      'config.md#linux-mount-options: rnodiratime is applied to what is mounted below the source',
      'config.md#linux-mount-options: rdiratime is applied to what is mounted below the source',
      'config.md#linux-mount-options: rnoatime is applied to what is mounted below the source',
      'config.md#linux-mount-options: rrelatime is applied to what is mounted below the source',
      'config.md#linux-mount-options: rstrictatime is applied to what is mounted below the source',
      'config.md#linux-mount-options: ratime is applied to what is mounted below the source',
    ],
  'Namespaces of root cannot be joined by others (setns(2)).': [
    'config-linux.md#namespaces: a pid namespace with a path is joined',
    'config-linux.md#namespaces: a network namespace with a path is joined',
    'config-linux.md#namespaces: a ipc namespace with a path is joined',
    'config-linux.md#namespaces: a uts namespace with a path is joined',
    'config-linux.md#namespaces: a cgroup namespace with a path is joined',
    'config-linux.md#namespaces: a time namespace with a path is joined',
    'config-linux.md#namespaces: a joined namespace is what its first container made of it',
    'config-linux.md#namespaces: a path of a namespace of another type is an error',
    'config-linux.md#namespaces: a path is absolute',
  ],
  'There is always a user namespace: nothing else would be allowed.': [
    "config-linux.md#namespaces: a user namespace that is not listed is the runtime's",
  ],
  "A device of the host's network cannot be taken away from it without root.": [
    'config-linux.md#network-devices: a network device is moved into the container',
    'config-linux.md#network-devices: name is its name in the container',
    'config-linux.md#network-devices: the device is up afterwards',
    'config-linux.md#network-devices: its permanent addresses of global scope are preserved',
  ],
  "The id is none of the user's.": ['config.md#posix-platform-user: large ids are those of the process'],
  'Root of the user namespace has every capability in it.': [
    'config.md#linux-process: a capability that cannot be granted is no failure',
  ],
  'The real-time class is for root alone.': [
    'config.md#linux-process: ioPriority has the class IOPRIO_CLASS_RT and its priority',
  ],
  "The hook is seen by its mount namespace, which the caller of this suite's user has for itself.": [
    'config.md#prestart: prestart hooks are called after the namespaces were made and before the root is changed',
    'config.md#createruntime-hooks: createRuntime hooks are called after the namespaces were made and before the root is changed',
  ],
  "The bundle is the user's, and so are the cgroups that were given to it.": [
    'config-linux.md#user-namespace-mappings: the owners of the root file system are changed',
    'config-linux.md#cgroup-ownership: the owner of a v1 cgroup is changed',
  ],
  "No cgroup of vlab's own can be made: version 1 is not delegated.": [
    'config-linux.md#cgroups-path: the same relative path is the same place each time',
  ],
  'The test makes it as root, and the user may not use it.': [
    'runtime.md#delete: delete does not delete a cgroup that was there before',
  ],
  'A limit of 0 is no limit, as older engines mean it.': ['config-linux.md#pids: limit 0 allows no further task'],
  'Version 2 is delegated to a user whole or not at all.': [
    'config-linux.md#unified: what is configured is written to the file',
    'config-linux.md#huge-page-limits: limit is set where the controller is on v2',
  ],
  "It is refused earlier: /proc/sys is of the host's root.": [
    'config-linux.md#readonly-paths: /proc/sys can be read-only',
  ],
};

export const ROOTLESS_EXCEPTIONS: readonly Exception[] = Object.entries(REASONS).flatMap(([reason, tests]) =>
  tests.map((test) => ({ runtime: ROOTLESS, test, reason })),
);
