/** The configuration that `spec` writes: a shell with a terminal, in the isolation that `vlab run` gives. Pure. */
import { defaultConfig } from '../container/config/default-config.js';
import type { OciConfig } from '../container/config/schema.js';
import { SPEC_VERSION } from './version.js';

/** `rootless`: the ids that become 0 inside. */
export function specConfig(rootless?: { uid: number; gid: number }): Partial<OciConfig> {
  const config = defaultConfig({
    id: 'vlab',
    rootfs: 'rootfs',
    command: ['sh'],
    env: {},
    hostname: 'vlab',
    terminal: true,
    readonlyRoot: true,
    ...(rootless ? { rootless } : {}),
  });
  // Each container of this bundle gets a cgroup of its own id; without root none may be possible.
  const { cgroupsPath: _, ...linux } = config.linux;
  return { ...config, ociVersion: SPEC_VERSION, linux };
}
