/** All tests, in the order of the specification. */
import type { ConformanceTest } from './test-type.js';
import { ALLOWED_DEVICE_TESTS } from './tests/allowed-devices.js';
import { CGROUP_TESTS } from './tests/cgroups.js';
import { DEVICE_TESTS } from './tests/devices.js';
import { FEATURE_TESTS } from './tests/features.js';
import { HOOK_TESTS } from './tests/hooks.js';
import { MOUNT_OPTION_TESTS } from './tests/mount-options.js';
import { MOUNT_TESTS } from './tests/mounts.js';
import { NAMESPACE_TESTS } from './tests/namespaces.js';
import { PATH_TESTS } from './tests/paths.js';
import { PROCESS_TESTS } from './tests/process.js';
import { LIMIT_TESTS } from './tests/process-limits.js';
import { LINUX_PROCESS_TESTS } from './tests/process-linux.js';
import { RESOURCE_TESTS } from './tests/resources.js';
import { ROOT_TESTS } from './tests/root.js';
import { LIFECYCLE_TESTS } from './tests/runtime-lifecycle.js';
import { OPERATION_TESTS } from './tests/runtime-operations.js';
import { STATE_TESTS } from './tests/runtime-state.js';
import { SECCOMP_TESTS } from './tests/seccomp.js';
import { SECCOMP_NOTIFY_TESTS } from './tests/seccomp-notify.js';
import { SYSCTL_TESTS } from './tests/sysctl-and-network.js';
import { TERMINAL_TESTS } from './tests/terminal.js';

export const SUITE: readonly ConformanceTest[] = [
  ...LIFECYCLE_TESTS,
  ...STATE_TESTS,
  ...OPERATION_TESTS,
  ...ROOT_TESTS,
  ...MOUNT_TESTS,
  ...MOUNT_OPTION_TESTS,
  ...PROCESS_TESTS,
  ...TERMINAL_TESTS,
  ...LIMIT_TESTS,
  ...LINUX_PROCESS_TESTS,
  ...HOOK_TESTS,
  ...NAMESPACE_TESTS,
  ...DEVICE_TESTS,
  ...CGROUP_TESTS,
  ...ALLOWED_DEVICE_TESTS,
  ...RESOURCE_TESTS,
  ...SYSCTL_TESTS,
  ...SECCOMP_TESTS,
  ...SECCOMP_NOTIFY_TESTS,
  ...PATH_TESTS,
  ...FEATURE_TESTS,
];
