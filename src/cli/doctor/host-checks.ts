import { existsSync } from 'node:fs';
import type { Attempt } from '../../host/attempt.js';
import { readCgroupLayout } from '../../host/cgroup-layout.js';
import { installLineHere } from '../../host/distribution.js';
import { LIMIT_CONTROLLERS, type LimitController, tryController } from '../../host/try-cgroups.js';
import { tryCompiler } from '../../host/try-compiler.js';
import { NAMESPACES, type NamespaceName, tryNamespace, tryUserNamespace } from '../../host/try-namespaces.js';
import { tryOverlay } from '../../host/try-overlay.js';
import type { Check, Finding } from './check.js';

const isRoot = process.getuid?.() === 0;

/** What the kernel and its settings allow this user. */
export function hostChecks(): Check[] {
  return [
    {
      id: 'compiler',
      title: 'C compiler',
      needed: true,
      try: async () => mended(await tryCompiler(), installLineHere('c-compiler')),
    },
    ...(Object.keys(NAMESPACES) as NamespaceName[]).map((name) => namespaceCheck(name)),
    {
      id: 'namespace.user',
      title: 'user namespace, not root',
      needed: !isRoot,
      try: async () => mended(await tryUserNamespace(), userNamespaceMend(existsSync)),
    },
    overlayCheck('root', 'overlay mount'),
    overlayCheck('rootless', 'overlay mount in a user namespace'),
    cgroupLayoutCheck(),
    ...(Object.keys(LIMIT_CONTROLLERS) as LimitController[]).map((name) => controllerCheck(name)),
  ];
}

function namespaceCheck(name: NamespaceName): Check {
  return {
    id: `namespace.${name}`,
    title: `${name} namespace`,
    needed: true,
    try: async () =>
      mended(
        await tryNamespace(name),
        isRoot
          ? 'vlab itself runs in a container that may not make one: give that container CAP_SYS_ADMIN (docker run --privileged)'
          : userNamespaceMend(existsSync),
      ),
  };
}

/** Each distribution closes user namespaces by a setting of its own; the one that exists here is the one to change. */
export function userNamespaceMend(exists: (path: string) => boolean): string {
  const settings: [string, string][] = [
    ['/proc/sys/kernel/apparmor_restrict_unprivileged_userns', 'kernel.apparmor_restrict_unprivileged_userns=0'],
    ['/proc/sys/kernel/unprivileged_userns_clone', 'kernel.unprivileged_userns_clone=1'],
    ['/proc/sys/user/max_user_namespaces', 'user.max_user_namespaces=15000'],
  ];
  const [, setting] = settings.find(([path]) => exists(path)) ?? [];
  return setting === undefined ? 'boot a kernel with CONFIG_USER_NS' : `sudo sysctl -w ${setting}`;
}

function overlayCheck(how: 'root' | 'rootless', title: string): Check {
  return {
    id: `overlay.${how}`,
    title,
    needed: false,
    try: async () => {
      if (how === 'root' && !isRoot) return { works: false, detail: 'not tried: needs root', mend: 'run it with sudo' };
      return mended(await tryOverlay(how), how === 'root' ? 'sudo modprobe overlay' : 'boot a kernel from 5.11 on');
    },
  };
}

function cgroupLayoutCheck(): Check {
  return {
    id: 'cgroup.layout',
    title: 'cgroup layout',
    needed: false,
    try: () => {
      const { layout, controllers, unified } = readCgroupLayout();
      const names = (version: 1 | 2) =>
        Object.keys(controllers)
          .filter((name) => controllers[name]?.version === version)
          .join(' ') || 'no controllers';
      if (layout === 'none') {
        return mended({ works: false, detail: 'none is mounted' }, 'sudo mount -t cgroup2 cgroup2 /sys/fs/cgroup');
      }
      const parts = [
        ...(layout === 'v2' ? [] : [`v1: ${names(1)}`]),
        ...(unified ? [`v2 at ${unified.mountPoint}: ${names(2)}`] : []),
      ];
      return { works: true, detail: `${layout}, ${parts.join('; ')}` };
    },
  };
}

/** Limits are asked for by a scenario; a container without them runs without these. */
function controllerCheck(name: LimitController): Check {
  return {
    id: `cgroup.${name}`,
    title: `${name} limit`,
    needed: false,
    try: () =>
      mended(
        tryController(name, readCgroupLayout()),
        isRoot
          ? `boot with the ${name} controller enabled (cgroup_enable=${name}), or mount /sys/fs/cgroup writable`
          : 'run it with sudo, or have systemd delegate the controllers: systemd-run --user --scope -p Delegate=yes vlab …',
      ),
  };
}

function mended(attempt: Attempt, mend: string): Finding {
  return attempt.works ? attempt : { ...attempt, mend };
}
