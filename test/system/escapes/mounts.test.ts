// Attacks by links and mounts in volumes and images, which lead the runtime elsewhere. What is known of an image beforehand
// plays no part: nothing is. Needs root.
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostAbilities } from '../../../src/container/host-abilities.js';
import { ABI } from '../../../src/sys/abi.js';
import type { At } from './arena.js';
import { all, byName, careless, late, withArgument, without } from './flaw.js';
import { ownArena } from './pair.js';

const { arena, pair } = ownArena();

const made = () => (existsSync(arena().at('/host/made')) ? 'made on the host' : 'not made on the host');

pair('target through a link', {
  attack: async (more) => {
    const prepare = (at: At) => {
      symlinkSync('/host', at('/volume/out'));
      mkdirSync(at('/rootfs/host'), { recursive: true });
    };
    return `${await arena().run({ words: ['/probe', 'echo', 'ran'], prepare, ...more })}, ${made()}`;
  },
  flaw: careless('find /mnt/out without leaving the root'),
  blocked: 'ran, not made on the host',
  works: /, made on the host$/,
});

const ROUNDS = 40;
pair('target exchanged', {
  attack: async (more) => {
    const exchange = await arena().begin({
      words: ['/probe', 'exchange', '/mnt/raced', '/mnt/spare', '30'],
      asks: ({ mounts }) => void mounts.push({ destination: '/mnt', source: '/volume', options: ['bind'] }),
      prepare: (at) => {
        mkdirSync(at('/volume/raced'));
        symlinkSync('/host', at('/volume/spare'));
      },
    });
    await exchange.says('ready');
    for (let round = 0; round < ROUNDS && made() !== 'made on the host'; round++)
      await arena().run({ words: ['/probe', 'true'], ...more });
    await exchange.end();
    return made();
  },
  flaw: careless('find /mnt/raced without leaving the root'),
  blocked: 'not made on the host',
  works: 'made on the host',
});

/** An image with /proc as a link, and with little else. */
function imageWithLinkedProc(at: At): void {
  mkdirSync(at('/volume/proc'));
  for (const name of ['sys', 'dev', 'mnt']) mkdirSync(at(`/image/${name}`));
  symlinkSync('mnt/proc', at('/image/proc'));
  writeFileSync(at('/image/probe'), readFileSync(at('/rootfs/probe')), { mode: 0o755 });
}
const setName = (path: string) => ['/probe', 'each', 'write', path, 'taken', '--', 'hostname'];
pair('proc through a link', {
  words: setName('/mnt/proc/sys/kernel/hostname'),
  prepare: imageWithLinkedProc,
  meanwhile: (at) => {
    renameSync(at('/image/proc'), at('/image/link'));
    mkdirSync(at('/image/proc/sys'), { recursive: true });
  },
  flaw: all(
    withArgument('mount it at /proc', 4, (how) => how | BigInt(ABI.MOVE_MOUNT_T_SYMLINKS)),
    byName('take /proc/sys once more', 'proc/sys'),
    byName('and mount it over itself', 'proc/sys'),
  ),
  blocked: /^refused: .*mount it at \/proc.*/,
  works: '/mnt/proc/sys/kernel/hostname: ok\ntaken',
});

pair('cover of a volume', {
  words: setName('/proc/keys'),
  prepare: (at) => symlinkSync('../proc/sys/kernel/hostname', at('/volume/null')),
  flaw: byName('a cover for /proc/keys', 'dev/null'),
  blocked: '/proc/keys: ok\nattack',
  works: '/proc/keys: ok\ntaken',
});

pair('console of a volume', {
  words: ['/probe', 'stat', '/dev/console'],
  prepare: (at) => {
    mkdirSync(at('/volume/real'));
    symlinkSync('real/ptmx', at('/volume/ptmx'));
    symlinkSync('/proc/sys/kernel/hostname', at('/volume/0'));
  },
  flaw: byName('take the terminal once more', 'dev/pts/0'),
  blocked: / 20620 0:5 136:0$/,
  works: / 100644 0:0 0:0$/,
});

pair('node of a link', {
  attack: async (more) => {
    const prepare = (at: At) => {
      for (const name of ['proc', 'sys', 'dev']) mkdirSync(at(`/image/${name}`));
      symlinkSync('/host/secret', at('/image/dev/zero'));
    };
    const said = await arena().run({ words: ['/probe', 'true'], prepare, ...more });
    return `${said}, and the file belongs to ${statSync(arena().at('/host/secret')).uid}`;
  },
  flaw: all(
    withArgument('hold it; what is there may be the image’s', 2, () => BigInt(ABI.O_PATH | ABI.O_CLOEXEC)),
    without('it must be a character device', 'of number 1', 'and 5'),
  ),
  blocked: /^refused: .*must be a char.*, and the file belongs to 0$/,
  works: /and the file belongs to 1000$/,
});

const fake = (at: At, name: string) => {
  mkdirSync(at('/volume/fake'));
  writeFileSync(at(`/volume/fake/${name}`), '');
};
pair('kernel parameter elsewhere', {
  attack: async (more) => {
    const prepare = (at: At) => {
      fake(at, 'somaxconn');
      symlinkSync('/proc/sys/net/core', at('/volume/core'));
    };
    const said = await arena().run({ words: ['/probe', 'echo', 'ran'], prepare, ...more });
    return `${said}; the other file has "${readFileSync(arena().at('/volume/fake/somaxconn'), 'utf8')}"`;
  },
  flaw: careless('open net/core/somaxconn'),
  blocked: /^refused: .*EXDEV.*; the other file has ""$/,
  works: 'ran; the other file has "77"',
});

pair('label elsewhere', {
  attack: async ({ asks, flaw }) => {
    const prepare = (at: At) => {
      fake(at, 'exec');
      symlinkSync('/proc/self/attr', at('/volume/attr'));
    };
    const said = await arena().run({
      words: ['/probe', 'echo', 'ran'],
      prepare,
      asks,
      situation: { host: { ...hostAbilities, labels: () => ({ apparmor: false, selinux: true }) } },
      // This kernel has no SELinux: it takes no label, wherever that is written. The first would end the attack too early.
      flaw: flaw ? all(without('label its keys canary'), flaw) : without('label its keys canary'),
    });
    return `${said}; the other file has "${readFileSync(arena().at('/volume/fake/exec'), 'utf8')}"`;
  },
  flaw: late("hold the label in the host's /proc", 'set the file mode mask'),
  blocked: /^refused: .*label the program.*EINVAL.*; the other file has ""$/,
  works: 'ran; the other file has "canary"',
});
