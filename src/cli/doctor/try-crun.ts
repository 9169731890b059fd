import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type Ran, run } from '../../base/exec.js';
import { defaultConfig } from '../../container/config/default-config.js';
import { probeRootfs } from '../../drivers/probe-rootfs.js';
import { readCgroupLayout } from '../../host/cgroup-layout.js';

/** crun 1.x knows nothing newer. */
const OCI_VERSION = '1.0.2';

/**
 * Runs the probe program by crun, with the configuration that vlab's own container has. On the hybrid cgroup layout crun
 * refuses to work while it sees the unified tree, so there it runs in a mount namespace without that.
 */
export async function tryCrun(): Promise<Ran> {
  const { dir } = await probeRootfs();
  const bundle = mkdtempSync(join(tmpdir(), 'vlab-doctor-crun-'));
  const id = basename(bundle);
  const uid = process.getuid?.() ?? 0;
  const rootless = uid === 0 ? {} : { rootless: { uid, gid: process.getgid?.() ?? 0 } };
  try {
    const config = defaultConfig({ id, rootfs: dir, command: ['/probe', 'hello'], env: {}, ...rootless });
    writeFileSync(join(bundle, 'config.json'), JSON.stringify({ ...config, ociVersion: OCI_VERSION }));
    const command = ['crun', '--root', join(bundle, 'state'), '--cgroup-manager=cgroupfs', 'run', '-b', bundle, id];
    const { layout, unified } = readCgroupLayout();
    if (layout !== 'hybrid' || !unified || uid !== 0) return await run('crun', command.slice(1));
    return await run('unshare', ['--mount', 'sh', '-c', 'umount "$0" && exec "$@"', unified.mountPoint, ...command]);
  } finally {
    rmSync(bundle, { recursive: true, force: true });
  }
}
