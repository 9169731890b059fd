// Definitions become containers that are as they were asked for, on the real kernel. Needs root and busybox-static.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { situationFor } from '../../../src/container/situation-for.js';
import type { AskedContainer } from '../../../src/engine/define/asked-container.js';
import { ociConfigOf } from '../../../src/engine/spec/oci-config.js';
import { resolveUser } from '../../../src/engine/spec/user.js';
import { isRoot, needs } from '../../skips.js';
import { define, facts } from '../../unit/engine/spec/definitions.js';
import { runConfig } from '../container/run-config.js';
import { BUSYBOX, busyboxRoot } from './run-ground.js';

const PASSWD = 'root:x:0:0:root:/root:/bin/sh\nwww:x:33:33::/srv/www:/bin/sh\n';
const GROUP = 'root:x:0:\nwww:x:33:\naudio:x:29:www\n';
const NAME_FILES = { hosts: '127.0.0.1\tlocalhost\n', 'resolv.conf': 'nameserver 10.1.2.3\n', hostname: 'web\n' };

let ground = '';
let rootfs = '';
const id = (process.pid * 7919).toString(16).padStart(64, 'd');

beforeAll(() => {
  if (!isRoot || !existsSync(BUSYBOX)) return;
  ground = mkdtempSync(join(tmpdir(), 'vlab-spec-'));
  rootfs = busyboxRoot(ground);
  for (const [name, text] of Object.entries(NAME_FILES)) writeFileSync(join(ground, name), text);
  mkdirSync(join(ground, 'volume'));
  writeFileSync(join(ground, 'volume/kept'), 'kept\n');
});
afterAll(() => {
  if (ground !== '') rmSync(ground, { recursive: true });
});
beforeEach((context) => {
  needs(context, 'root', isRoot);
  needs(context, 'busybox-static', existsSync(BUSYBOX));
});

/** What the script says, line by line. */
async function inside(script: string, asked: Partial<AskedContainer> = {}, image = {}): Promise<string[]> {
  const network = { ...define().definition.network, mode: 'none', attachments: [] };
  const { definition } = define({ network, ...asked, command: ['/bin/busybox', 'sh', '-c', script] }, image, { id });
  const config = ociConfigOf(
    definition,
    facts({
      cgroupVersion: 1,
      rootPath: rootfs,
      nameFilesDirectory: ground,
      user: resolveUser(definition.user, definition.groupAdd, { passwd: PASSWD, group: GROUP }),
      volumePaths: new Map([['vol', join(ground, 'volume')]]),
      devices: definition.devices.map(({ destination, access }) => ({
        device: { path: destination, type: 'c', major: 1, minor: 5 },
        access,
      })),
      initPath: '/usr/bin/catatonit',
    }),
  );
  const { stdout, exit } = await runConfig({
    rootfs,
    words: [],
    change: (plain) => Object.assign(plain, config),
    situation: await situationFor(config),
  });
  expect(exit).toEqual({ code: 0 });
  return stdout.trimEnd().split('\n');
}

const security = (more: object) => ({ security: { ...define().definition.security, ...more } });
const status = (key: string) => `busybox grep ^${key} /proc/self/status | busybox tr -d "\\t"`;

describe('the program', () => {
  it('has docker’s variables, the names and the files of names', async () => {
    const script = 'env | busybox sort; busybox hostname; cat /etc/hosts /etc/resolv.conf /etc/hostname; busybox pwd';
    expect(await inside(script, { hostname: 'web', env: ['A=b c'], cwd: '/made/for/it' })).toEqual([
      ...['A=b c', 'HOME=/root', 'HOSTNAME=web'],
      ...['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'PWD=/made/for/it', 'SHLVL=1'],
      ...['web', '127.0.0.1\tlocalhost', 'nameserver 10.1.2.3', 'web', '/made/for/it'],
    ]);
  });

  it('is who the image says, with their groups and home', async () => {
    const script = `busybox id -u; busybox id -G; echo $HOME; ${status('CapEff')}; ${status('CapBnd')}`;
    expect(await inside(script, { groupAdd: ['50'] }, { User: 'www' })).toEqual([
      ...['33', '33 29 50', '/srv/www', 'CapEff:0000000000000000', 'CapBnd:00000000a80425fb'],
    ]);
  });

  it('may gain privileges unless it is told not to, and is filtered', async () => {
    const script = `${status('NoNewPrivs')}; ${status('Seccomp:')}`;
    expect(await inside(script)).toEqual(['NoNewPrivs:0', 'Seccomp:2']);
    expect(await inside(script, security({ noNewPrivileges: true, seccomp: { kind: 'unconfined' } }))).toEqual([
      ...['NoNewPrivs:1', 'Seccomp:0'],
    ]);
  });

  it('has the limits of --ulimit and the parameters of --sysctl', async () => {
    const script = 'ulimit -Sn; ulimit -Hn; cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax';
    const asked = { ulimits: [{ name: 'nofile', soft: 64, hard: 128 }], sysctls: { 'kernel.msgmax': '9000' } };
    expect(await inside(script, asked)).toEqual(['64', '128', '0', '9000']);
  });

  it('is the child of an init where that is asked for', async (context) => {
    needs(context, 'catatonit', existsSync('/usr/bin/catatonit'));
    expect(await inside('cat /proc/1/comm', { init: true })).toEqual(['init']);
  });
});

describe('mounts', () => {
  it('are volumes, directories and memory, read-only where that is asked for', async () => {
    const bind = {
      ...{ kind: 'bind' as const, origin: 'volume' as const, source: ground, destination: '/ground', readonly: true },
      ...{ propagation: 'rprivate' as const, recursive: true, readonlyRecursive: true, createSource: false },
    };
    const volume = {
      ...{ kind: 'volume' as const, origin: 'volume' as const, name: 'vol', anonymous: false, destination: '/data' },
      ...{ readonly: false, copyUp: true, driver: 'local', driverOptions: {}, labels: {} },
    };
    const tmpfs = { kind: 'tmpfs' as const, origin: 'tmpfs' as const, destination: '/tmp/in', readonly: false };
    const script = [
      'cat /data/kept && echo more > /data/more && echo written',
      'echo x 2>/dev/null > /ground/x || echo refused',
      'busybox grep " /tmp/in " /proc/mounts | busybox cut -d" " -f3,4',
    ].join('\n');
    const lines = await inside(script, { mounts: [bind, volume, { ...tmpfs, options: ['size=64k', 'exec'] }] });
    expect(lines.slice(0, 3)).toEqual(['kept', 'written', 'refused']);
    expect(lines[3]).toMatch(/^tmpfs rw,nosuid,nodev,relatime,size=64k/);
    expect(readFileSync(join(ground, 'volume/more'), 'utf8')).toBe('more\n');
  });

  it('keep /dev/shm of that size, and the root read-only on request', async () => {
    const script =
      'busybox df -k /dev/shm | busybox tail -1 | busybox awk "{print \\$2}"; echo 2>/dev/null > /x || echo refused';
    expect(await inside(script, { shmSizeBytes: 1024 ** 2, readonlyRoot: true })).toEqual(['1024', 'refused']);
  });

  it('show the cgroups read-only, and of the kernel what docker shows', async () => {
    const script = [
      'busybox grep -c " /sys/fs/cgroup" /proc/mounts | busybox sed "s/[1-9][0-9]*/some/"',
      'busybox mkdir /sys/fs/cgroup/pids/x 2>/dev/null || echo refused',
      'busybox wc -c < /proc/keys',
      'echo 2>/dev/null 1 > /proc/sys/kernel/panic || echo refused',
    ].join('\n');
    expect(await inside(script)).toEqual(['some', 'refused', '0', 'refused']);
  });
});

describe('devices', () => {
  const zero = { source: '/dev/zero', destination: '/dev/own', access: 'r' };
  const read = 'busybox head -c 2 /dev/own | busybox wc -c';

  it('are those that were handed on', async () => {
    // grep -c ends with 1 where it counts none, which is what is expected: the count is compared.
    expect(await inside(`${read}; busybox ls /dev | busybox grep -c sda || true`, { devices: [zero] })).toEqual([
      '2',
      '0',
    ]);
  });

  it('can be opened by a rule', async () => {
    // That of FUSE: where the kernel has none, the answer is another one than that it is not allowed.
    const script =
      'busybox mknod /tmp/node c 10 229; busybox head -c 0 /tmp/node 2>&1 | busybox grep -c permitted; busybox rm /tmp/node';
    expect(await inside(script)).toEqual(['1']);
    expect(await inside(script, { deviceRules: [{ type: 'c', major: 10, access: 'rwm' }] })).toEqual(['0']);
  });
});

it('with all privileges it has every capability of the machine, its cgroups and no masks', async () => {
  const script = `${status('CapEff')}; busybox test -w /proc/sys/kernel/panic && echo writable; busybox mkdir /sys/fs/cgroup/pids/x && busybox rmdir /sys/fs/cgroup/pids/x && echo made`;
  const [capabilities, ...rest] = await inside(script, security({ privileged: true }));
  const own = /^CapPrm:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  expect(capabilities).toBe(`CapEff:${own}`);
  expect(rest).toEqual(['writable', 'made']);
});
