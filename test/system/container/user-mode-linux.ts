/**
 * A user-mode Linux: a kernel of its own as a process of this machine, with this machine's files read-only. It needs neither
 * KVM nor an image, starts in a second, and can have any cgroup layout, and systemd as its process 1.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { findProgram } from '../../../src/base/find-program.js';

const CHECKOUT = resolve(import.meta.dirname, '../../..');

const ENVIRONMENT = {
  PATH: process.env.PATH ?? '',
  ...{ HOME: '/run', TMPDIR: '/run/tmp', VLAB_CACHE_DIR: '/run/cache', VLAB_RUN_DIR: '/run/vlab', NO_COLOR: '1' },
};
const assignments = (environment: Record<string, string>) =>
  Object.entries(environment).map(([name, value]) => `${name}=${value}`);

/** What a test writes goes to memory. */
const BASE = `mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t tmpfs run /run
mkdir /run/tmp /run/vlab; chmod 700 /run/vlab; export ${assignments(ENVIRONMENT).join(' ')}
cd ${CHECKOUT}`;
const POWER_OFF = 'echo o > /proc/sysrq-trigger; sleep 60';

/** It is installed, and boots: Debian 12's cannot keep the registers of some newer processors, and ends in a panic there. */
export const hasUserModeLinux =
  findProgram('linux.uml') !== undefined &&
  (await boot(`#!/bin/sh\n${BASE}\necho it boots\n${POWER_OFF}\n`)).includes('it boots');

/** The commands that run test files, by parts of their names. Not onto the console, which would be drawn upon. */
export function vitest(...files: string[]): string {
  const run = `node node_modules/vitest/vitest.mjs run --configLoader runner --project system ${files.join(' ')}`;
  return `${run} > $TMPDIR/said 2>&1; status=$?; cat $TMPDIR/said; echo "ended with $status"`;
}

/** Runs shell commands in a new guest as its root. Returns what they and the kernel said. */
export async function inGuest(commands: string): Promise<string> {
  return boot(`#!/bin/sh\n${BASE}\n${commands}\n${POWER_OFF}\n`);
}

/** The same under systemd: as a service of the guest. `words`: of the kernel's command line, which systemd reads too. */
export async function underSystemd(commands: string, words: readonly string[] = []): Promise<string> {
  const service = `[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
WorkingDirectory=${CHECKOUT}
${assignments(ENVIRONMENT)
  .map((assignment) => `Environment="${assignment}"`)
  .join('\n')}
ExecStart=/bin/sh /run/commands
`;
  // Where systemd believes to be in a container (a file /.dockerenv is enough), it reads the command line only so.
  const script = `#!/bin/sh
${BASE}
mkdir -p /run/systemd/system
cat > /run/commands <<'END'
exec > /dev/console 2>&1
${commands}
${POWER_OFF}
END
cat > /run/systemd/system/job.service <<'END'
${service}END
printf '[Unit]\\nDefaultDependencies=no\\nWants=job.service\\n' > /run/systemd/system/job.target
SYSTEMD_PROC_CMDLINE="$(cat /proc/cmdline)" exec /lib/systemd/systemd --unit=job.target --show-status=no --log-level=err
`;
  return boot(script, words);
}

async function boot(init: string, words: readonly string[] = []): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'vlab-uml-'));
  try {
    const [path, disk] = [join(folder, 'init'), join(folder, 'disk')];
    writeFileSync(path, init, { mode: 0o755 });
    execFileSync('truncate', ['-s', '4M', disk]);
    const kernel = [
      'mem=1G',
      `ubd0=${disk}`,
      'rootfstype=hostfs',
      'rootflags=/',
      'ro',
      `init=${path}`,
      'quiet',
      ...words,
    ];
    const child = spawn('linux.uml', [...kernel, 'con=null', 'con0=fd:0,fd:1', `umid=vlab-${process.pid}`], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, HOME: folder },
    });
    return await text(child.stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
