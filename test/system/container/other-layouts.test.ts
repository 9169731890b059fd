// The cgroup tests once more on the layouts that this machine may not have: version 2 alone, version 1 alone. A user-mode
// Linux mounts this machine's files read-only and runs them as its first process's child; it needs no privilege and no image.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, expect, it } from 'vitest';
import { findProgram } from '../../../src/base/find-program.js';
import { isFullRun, needs } from '../../skips.js';

const checkout = resolve(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'vlab-uml-'));
afterAll(() => rmSync(folder, { recursive: true }));

const UNIFIED = 'mount -t cgroup2 cgroup2 /sys/fs/cgroup';
const LEGACY = `mount -t tmpfs cgroups /sys/fs/cgroup
for set in cpu,cpuacct blkio memory devices freezer pids; do
  mkdir /sys/fs/cgroup/$set; mount -t cgroup -o $set cgroup /sys/fs/cgroup/$set
done
mkdir /sys/fs/cgroup/systemd; mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd`;

/** The guest's first process. What the tests write goes to memory. */
const init = (mountCgroups: string) => `#!/bin/sh
export PATH=${process.env.PATH} HOME=/run TMPDIR=/run/tmp VLAB_CACHE_DIR=/run/cache VLAB_RUN_DIR=/run/vlab NO_COLOR=1
mount -t proc proc /proc; mount -t sysfs sysfs /sys
mount -t tmpfs run /run; mkdir /run/tmp; mkdir -p /run/vlab; chmod 700 /run/vlab
${mountCgroups}
cd ${checkout}
node node_modules/vitest/vitest.mjs run --configLoader runner --project system cgroups.test running-cgroup.test 2>&1
echo "ended with $?"
echo o > /proc/sysrq-trigger; sleep 60
`;

async function runIn(mountCgroups: string): Promise<string> {
  const path = join(folder, 'init');
  const disk = join(folder, 'disk');
  writeFileSync(path, init(mountCgroups), { mode: 0o755 });
  execFileSync('truncate', ['-s', '4M', disk]);
  const words = ['mem=1G', `ubd0=${disk}`, 'rootfstype=hostfs', 'rootflags=/', 'ro', `init=${path}`, 'quiet'];
  const child = spawn('linux.uml', [...words, 'con=null', 'con0=fd:0,fd:1', `umid=vlab-${process.pid}`], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, HOME: folder },
  });
  return text(child.stdout);
}

const LAYOUTS = { 'version 2 alone': UNIFIED, 'version 1 alone': LEGACY };

for (const [name, mountCgroups] of Object.entries(LAYOUTS)) {
  it(name, { timeout: 180_000 }, async (context) => {
    needs(context, 'user-mode-linux', findProgram('linux.uml') !== undefined);
    needs(context, 'full', isFullRun || mountCgroups === UNIFIED);
    const said = await runIn(mountCgroups);
    expect(said).toMatch(/Tests .*\b[1-9]\d passed/);
    expect(said).toContain('ended with 0');
  });
}
