/**
 * Tests that a runtime is known not to pass, each with its reason in one sentence. This is the only such list. An entry
 * whose test passes, or that names no test, is an error.
 */

import { ROOTLESS_EXCEPTIONS } from './rootless-exceptions.js';
import { VLAB_OCI } from './runtimes.js';

export interface Exception {
  /** The product: both ways to call vlab-oci have the same. */
  runtime: string;
  /** As `nameOf` names it. */
  test: string;
  reason: string;
}

const of =
  (runtime: string) =>
  (reason: string, ...tests: string[]): Exception[] =>
    tests.map((test) => ({ runtime, test, reason }));

const vlab = of(VLAB_OCI);
const runc = of('runc');
const crun = of('crun');

export const EXCEPTIONS: readonly Exception[] = [
  ...vlab(
    'The cgroup of the container is removed, whoever made it, as runc and crun do.',
    'runtime.md#delete: delete does not delete a cgroup that was there before',
  ),
  ...vlab(
    'A limit of 0 is no limit, as older engines mean it.',
    'config-linux.md#pids: limit 0 allows no further task',
  ),

  ...runc(
    'A created container is killed and deleted, for the convenience of its callers.',
    'runtime.md#delete: delete of a created container is an error and has no effect',
  ),
  ...runc(
    'Every cgroup of the container is removed, whoever made it.',
    'runtime.md#delete: delete does not delete a cgroup that was there before',
  ),
  ...runc(
    'The version is not looked at.',
    'config.md#specification-version: a version that is not in SemVer form is an error',
    'config.md#specification-version: ociVersion is required',
  ),
  ...runc(
    "Only the first value of the file is read, by Go's decoder.",
    'glossary.md#json: what is no JSON is an error',
  ),
  ...runc(
    'A container without a process is refused at once.',
    'config.md#process: the process is not required to create',
  ),
  ...runc(
    'Ids from 2^31 on are refused, although the kernel and the specification have 32 bits.',
    'config.md#posix-platform-user: large ids are those of the process',
  ),
  ...runc(
    'Values are not checked beyond what Go types say, and a missing one counts as its zero.',
    'config.md#annotations: a key is not empty',
    'config.md#posix-process: a type that is there twice is an error',
    'config.md#createcontainer-hooks: the path of createContainer hooks is absolute',
    'config.md#startcontainer-hooks: the path of startContainer hooks is absolute',
    'config.md#poststop: the path of poststop hooks is absolute',
    'config-linux.md#namespaces: a path is absolute',
    'config-linux.md#devices: path is required',
    'config-linux.md#devices: major and minor are required unless the type is p',
    'config-linux.md#allowed-device-list: allow is required',
    'config-linux.md#allowed-device-list: access with another letter is an error',
    'config-linux.md#seccomp: names has at least one entry',
    'config-linux.md#masked-paths: a masked path is absolute',
    'config-linux.md#readonly-paths: a read-only path is absolute',
  ),
  ...runc(
    'What is at the path of a device is taken for the device.',
    'config-linux.md#devices: a file at path that is another one is an error',
  ),
  ...runc(
    'Version 1.1 runs poststart hooks at the end of create.',
    'config.md#poststart: poststart hooks are called as part of start',
    'config.md#poststart: the state that poststart hooks read has the status running',
    'config.md#poststart: poststart hooks are called after the startContainer hooks',
  ),
  ...runc(
    'start returns as soon as it has woken the process, which runs the startContainer hooks later.',
    'config.md#startcontainer-hooks: the path of startContainer hooks resolves in the container namespace',
    'runtime.md#lifecycle: a startContainer hook that fails is an error, and the program does not run',
    'runtime.md#lifecycle: after a startContainer hook that fails, the container is stopped',
  ),
  ...runc(
    'The first poststop hook that fails is the last.',
    'runtime.md#lifecycle: a poststop hook that fails is no error, and the others are called',
  ),
  ...runc(
    'The option goes to the file system, which refuses it.',
    'config.md#linux-mount-options: defaults is recognized',
  ),
  ...runc(
    'Three options of its own list fail in the kernel: defaults, ratime and rnostrictatime.',
    'features.md#mount-options: the mount options that are listed are recognized',
  ),
  ...runc(
    'Limits of kernel memory are ignored since version 1.1.',
    'config-linux.md#memory: kernelTCP is in memory.kmem.tcp.limit_in_bytes',
  ),
  ...runc(
    'On a hybrid machine only the v1 controllers are used.',
    'config-linux.md#huge-page-limits: limit is set where the controller is on v2',
  ),
  ...runc(
    'Version 1.1 knows no seccomp flags.',
    'config-linux.md#seccomp: the flag SECCOMP_FILTER_FLAG_LOG is accepted',
    'config-linux.md#seccomp: the flag SECCOMP_FILTER_FLAG_SPEC_ALLOW is accepted',
    'config-linux.md#seccomp: the flag SECCOMP_FILTER_FLAG_TSYNC is accepted',
  ),
  ...runc(
    "The value is given to the runtime's whole tree before the root is bound, and not to the root.",
    'config-linux.md#rootfs-mount-propagation: shared is the propagation of the root',
    'config-linux.md#rootfs-mount-propagation: unbindable is the propagation of the root',
    'config-linux.md#rootfs-mount-propagation: slave shows what the host mounts in the root later',
  ),
  ...runc(
    'Version 1.1 knows no personality.',
    'config-linux.md#personality: LINUX32 shows a 32 bit machine',
    'config-linux.md#personality: a domain that does not exist is an error',
    'config-linux.md#personality: a flag is an error, as none is supported',
  ),

  ...crun(
    'A created container is killed and deleted, for the convenience of its callers.',
    'runtime.md#delete: delete of a created container is an error and has no effect',
  ),
  ...crun(
    'Every cgroup of the container is removed, whoever made it.',
    'runtime.md#delete: delete does not delete a cgroup that was there before',
  ),
  ...crun(
    'A container without a process is not thought of: its capabilities are looked at all the same.',
    'config.md#process: the process is not required to create',
  ),
  ...crun(
    'Values of another type are converted or taken for absent.',
    'config.md#annotations: annotations are a map',
    'config.md#valid-values: a limit that is a string is an error',
    'config.md#valid-values: a readonly that is a string is an error',
    'config.md#valid-values: a terminal that is a number is an error',
    'config.md#valid-values: an env that is a map is an error',
    'config.md#valid-values: args that are one string is an error',
    'config.md#linux-process: capabilities that are no lists are an error',
    'config.md#posix-platform-user: an id that is no number is an error',
  ),
  ...crun(
    'Values are not checked against the text of the specification.',
    'config.md#annotations: a key is not empty',
    'config.md#process: cwd is an absolute path',
    'config.md#posix-process: a type that is there twice is an error',
    'config.md#posix-platform-hooks: a timeout that is not greater than zero is an error',
    'config.md#startcontainer-hooks: the path of startContainer hooks is absolute',
    'config.md#poststart: the path of poststart hooks is absolute',
    'config.md#poststop: the path of poststop hooks is absolute',
    'config-linux.md#namespaces: a path is absolute',
    'config-linux.md#namespaces: a type that is there twice is an error',
    'config-linux.md#devices: a type that does not exist is an error',
    'config-linux.md#devices: major and minor are required unless the type is p',
    'config-linux.md#allowed-device-list: allow is required',
    'config-linux.md#memory: a swappiness above 100 is an error',
    'config-linux.md#seccomp: names has at least one entry',
    'config-linux.md#rootfs-mount-propagation: a value that does not exist is an error',
    'config-linux.md#masked-paths: a masked path is absolute',
    'config-linux.md#readonly-paths: a read-only path is absolute',
    'config-linux.md#personality: a flag is an error, as none is supported',
  ),
  ...crun(
    'What this kernel cannot do is left out without a word.',
    'config-linux.md#mount-label: a mount label that cannot be applied is an error',
    'config-linux.md#intelrdt: intelRdt without a mounted resctrl is an error',
    'config-linux.md#rdma: a device that is not there is an error',
  ),
  ...crun(
    'What is at the path of a device is taken for the device.',
    'config-linux.md#devices: a file at path that is another one is an error',
  ),
  ...crun(
    'There is no status creating in what hooks read.',
    'config.md#prestart: the state that prestart hooks read has the status creating',
    'config.md#createruntime-hooks: the state that createRuntime hooks read has the status creating',
    'config.md#createcontainer-hooks: the state that createContainer hooks read has the status creating',
  ),
  ...crun(
    'The state of hooks in the container is made there: its pid is 0, and for startContainer its bundle is / and its status starting.',
    'config.md#startcontainer-hooks: startContainer hooks read the state, which adheres to the schema, from standard input',
    'config.md#startcontainer-hooks: the state that startContainer hooks read has the status created',
    'config.md#posix-platform-hooks: the pid that startContainer hooks read is as the container sees it',
    'config.md#posix-platform-hooks: the pid that createContainer hooks read is as the container sees it',
  ),
  ...crun(
    'start returns as soon as it has woken the process, which runs the startContainer hooks later.',
    'config.md#startcontainer-hooks: startContainer hooks are called as part of start',
    'config.md#startcontainer-hooks: the path of startContainer hooks resolves in the container namespace',
    'config.md#poststart: poststart hooks are called after the startContainer hooks',
    'runtime.md#lifecycle: a startContainer hook that fails is an error, and the program does not run',
    'runtime.md#lifecycle: after a startContainer hook that fails, the container is stopped',
  ),
  ...crun(
    'After a create that failed no poststop hook is called.',
    'runtime.md#lifecycle: after a createRuntime hook that fails, the poststop hooks are called',
  ),
  ...crun(
    'Version 1.8 lets no option take off what an earlier one put on.',
    'config.md#linux-mount-options: rw takes ro off again',
    'config.md#linux-mount-options: suid takes nosuid off again',
    'config.md#linux-mount-options: dev takes nodev off again',
    'config.md#linux-mount-options: exec takes noexec off again',
    'config.md#linux-mount-options: atime takes noatime off again',
    'config.md#linux-mount-options: diratime takes nodiratime off again',
  ),
  ...crun(
    'The option goes to the file system, which refuses it.',
    'config.md#linux-mount-options: iversion is recognized',
    'config.md#linux-mount-options: noiversion is recognized',
    'config.md#linux-mount-options: silent is recognized',
    'config.md#linux-mount-options: loud is recognized',
  ),
  ...crun(
    'All mounts are made private at last unless linux.rootfsPropagation says otherwise.',
    'config.md#linux-mount-options: shared is the propagation of the mount',
    'config.md#linux-mount-options: rshared is the propagation of the mount',
    'config.md#linux-mount-options: unbindable is the propagation of the mount',
    'config.md#linux-mount-options: runbindable is the propagation of the mount',
    'config.md#linux-mount-options: slave receives what is mounted below the source later',
  ),
  ...crun(
    "The value is given to the runtime's root, and not to the mount that the container's root is on.",
    'config-linux.md#rootfs-mount-propagation: slave shows what the host mounts in the root later',
  ),
  ...crun(
    'A create that fails at the limits of a cgroup leaves the cgroup.',
    'config-linux.md#control-groups: what cannot be written to a control file is an error',
    'config-linux.md#allowed-device-list: access with another letter is an error',
    'config-linux.md#huge-page-limits: a page size that does not exist is an error',
  ),
  ...crun(
    'The quota -1 is written as a number without a sign.',
    'config-linux.md#cpu: quota -1 is in cpu.cfs_quota_us',
  ),
  ...crun(
    'On a hybrid machine without its v2 tree only the v1 controllers are seen.',
    'config-linux.md#huge-page-limits: limit is set where the controller is on v2',
  ),
  ...ROOTLESS_EXCEPTIONS,
];

export function exceptionFor(product: string, test: string): Exception | undefined {
  return EXCEPTIONS.find((one) => one.runtime === product && one.test === test);
}
